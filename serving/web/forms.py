"""What forms send: plain text fields, and where to go back to."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import Depends, HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.i18n.languages import N_
from serving.web.local_urls import local

MAX_FORM = 256_000  # bytes; the longest review fits, in any alphabet, percent-encoded


class Form(NamedTuple):
    """The last value of each text field; files are none. `back` is an address to go to, or empty."""

    fields: Mapping[str, str]

    def __call__(self, name: str) -> str:
        return self.fields.get(name, "")

    def back(self, default: str) -> str:
        return self("back") or default


async def form_of(request: Request) -> Form:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_FORM:
        raise HTTPException(413, N_("This form has too much data."))
    sent = await request.form(max_files=0, max_fields=1000)
    fields = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
    return Form(fields | {"back": local(request, fields.get("back", ""))})


TheForm = Annotated[Form, Depends(form_of)]


def see(address: str) -> Response:
    """After a form was posted: a reload repeats nothing."""
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})


def wants_fragment(request: Request) -> bool:
    """A request to restore history replaces the whole body, so it needs the whole page."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"
