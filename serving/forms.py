"""What forms send: plain text fields, and where to go back to."""

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.languages import N_

MAX_FORM = 256_000  # bytes; the longest review fits, in any alphabet, percent-encoded
PASSED_THROUGH = {"/sign-in", "/register", "/sign-out"}
LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


class Form(NamedTuple):
    """The last value of each text field; files are none."""

    fields: Mapping[str, str]

    def __call__(self, name: str) -> str:
        return self.fields.get(name, "")

    def back(self, default: str) -> str:
        return local(self("back")) or default


async def form_of(request: Request) -> Form:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_FORM:
        raise HTTPException(413, N_("This is more than a form of this site can hold."))
    sent = await request.form(max_files=0, max_fields=1000)
    return Form({name: value for name, value in sent.multi_items() if isinstance(value, str)})


TheForm = Annotated[Form, Depends(form_of)]


def local(address: str) -> str:
    """An address of this site, or nothing: no visitor is sent elsewhere."""
    return address if len(address) < 2000 and LOCAL.fullmatch(address) else ""


def came_from(request: Request, default: str = "/") -> str:
    """The page of ours that the visitor saw before, but none of those through which one only passes."""
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return default
    address = local(f"{before.path}?{before.query}" if before.query else before.path)
    is_ours = before.netloc == request.headers.get("host") and before.path not in PASSED_THROUGH
    return address if is_ours and address else default


def see(address: str) -> Response:
    """After a form was posted: a reload repeats nothing."""
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})
