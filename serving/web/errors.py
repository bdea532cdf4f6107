"""Errors as problem details for programs and as pages for people."""

import logging
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from serving.i18n.languages import N_, Sentence
from serving.web.middleware import HEADERS
from serving.web.problems import invalid, is_for_machines, problem
from serving.web.rendering import site_of

log = logging.getLogger(__name__)


def on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    headers = {"Allow": allowed(request)} if error.status_code == 405 else error.headers
    return failed(request, error.status_code, error.detail, headers)


def allowed(request: Request) -> str:
    """The methods of every route at this address."""
    found = {"GET"} if request.url.path.startswith("/static/") else set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(request.url.path):
            found |= route.methods
    return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))


def on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    if isinstance(error.body, bytes):  # FastAPI leaves alone what is not sent as JSON, and calls that no object
        return invalid([fault | {"msg": "Content-Type must be application/json"} for fault in error.errors()])
    return invalid(error.errors())


def on_no_bundle(request: Request, error: Exception) -> Response:
    return failed(request, 503, str(error))


def on_foreign(request: Request) -> Response:
    """A form of another site was sent here, in the name of a visitor who may know nothing of it."""
    return failed(request, 403, N_("This request came from another site, so nothing was changed."))


def on_crash(request: Request, error: Exception) -> Response:
    """The server logs the traceback; the visitor gets a page."""
    log.error("%s %s: %r", request.method, request.url.path, error)
    response = failed(request, 500, N_("The error is on our side, and it has been logged."))
    response.headers.update(HEADERS)  # made outside of the middleware that adds them elsewhere
    return response


def failed(request: Request, status: int, detail: str | Sentence, headers: Any = None) -> Response:
    """The error as a problem for machines, as a page for people."""
    if is_for_machines(request):
        return problem(status, str(detail), headers=headers)
    response = site_of(request).html(request, "error.html", bundle=None, status=status, code=status, detail=detail)
    response.headers.update(headers or {})
    return response
