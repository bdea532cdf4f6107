"""Tells requests of htmx, which get a fragment, from those that get a whole page."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import Depends, HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.i18n.languages import N_
from serving.web.local_urls import sanitize_local_url

MAX_FORM_BYTES = 256_000  # bytes; the longest review fits, in any alphabet, percent-encoded


class Form(NamedTuple):
    """The text fields of a form, the last value of each; uploaded files are dropped."""

    fields: Mapping[str, str]

    def __call__(self, name: str) -> str:
        return self.fields.get(name, "")

    def get_back_url(self, default: str) -> str:
        """The page to return to, `default` if the form names none. It is always a page of this site."""
        return self("back") or default


async def read_form(request: Request) -> Form:
    """FastAPI dependency: reads the form. Raises a 413 if it is longer than MAX_FORM_BYTES."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_FORM_BYTES:
        raise HTTPException(413, N_("This form has too much data."))
    sent = await request.form(max_files=0, max_fields=1000)
    fields = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
    return Form(fields | {"back": sanitize_local_url(request, fields.get("back", ""))})


TheForm = Annotated[Form, Depends(read_form)]


def redirect_after_post(address: str) -> Response:
    """Redirects with status 303 after a POST, so that a reload does not post again."""
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


def wants_fragment(request: Request) -> bool:
    """Whether to answer with a fragment. htmx restores its history with whole pages, so then it is False."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"
