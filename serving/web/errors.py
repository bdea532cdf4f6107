"""Errors as problem details for programs and as pages for people."""

import logging
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from serving.i18n.languages import N_, Sentence
from serving.observability.metrics import REFUSED
from serving.observability.request_record import CURRENT_RECORD, UNMATCHED
from serving.web.middleware import SECURITY_HEADERS
from serving.web.problems import is_api_request, render_invalid_request, render_problem
from serving.web.rendering import get_site

log = logging.getLogger(__name__)

FOREIGN_REQUEST_TEXT = N_(
    "This request came from another site, so nothing was changed. If it came from this site: its operator has to set "
    "MOVIEREC_PUBLIC_URL to the address that you see in your browser."
)


def handle_http_error(request: Request, error: Exception) -> Response:
    """Answers an HTTPException; 405 gets the Allow header."""
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    headers = {"Allow": list_allowed_methods(request)} if error.status_code == 405 else error.headers
    return render_error(request, error.status_code, error.detail, headers)


def list_allowed_methods(request: Request) -> str:
    """The methods of all routes on this path, as the Allow header lists them."""
    found = {"GET"} if request.url.path.startswith("/static/") else set()
    for route in iter_route_contexts(request.app.routes):
        if route.methods and route.path_regex.match(request.url.path):
            found |= route.methods
    return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))


def handle_invalid_request(_request: Request, error: Exception) -> Response:
    """Answers 422 to a request that FastAPI found invalid."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    if isinstance(error.body, bytes):  # FastAPI leaves alone what is not sent as JSON, and calls that no object
        return render_invalid_request(
            [fault | {"msg": "Content-Type must be application/json"} for fault in error.errors()]
        )
    return render_invalid_request(error.errors())


def handle_missing_bundle(request: Request, error: Exception) -> Response:
    """Answers 503 while no bundle can be served."""
    return render_error(request, 503, get_site(request).hide_home(str(error)))


def refuse_foreign_request(request: Request) -> Response:
    """Answers 403 to a form that another site sent."""
    REFUSED.labels("other_site").inc()
    return render_error(request, 403, FOREIGN_REQUEST_TEXT)


def handle_lost_client(_request: Request, _error: Exception) -> Response:
    """Ends the handling of a request whose client went away before its body was complete. Nobody gets this answer."""
    return Response(status_code=400)


def handle_crash(request: Request, error: Exception) -> Response:
    """Logs the error and answers 500."""
    record = CURRENT_RECORD.get()
    log.error("%s %s: %r", request.method, record.route if record else UNMATCHED, error)
    response = render_error(request, 500, N_("The error is on our side, and it has been logged."))
    response.headers.update(SECURITY_HEADERS)  # made outside of the middleware that adds them elsewhere
    if record:
        response.headers["X-Request-ID"] = record.request_id
    return response


def render_error(request: Request, status: int, detail: str | Sentence, headers: Any = None) -> Response:
    """The error as a page, or as problem details on a path of the JSON API."""
    if is_api_request(request):
        return render_problem(status, str(detail), headers=headers)
    response = get_site(request).render_page(
        request, "error.html", bundle=None, status=status, code=status, detail=detail
    )
    response.headers.update(headers or {})
    return response
