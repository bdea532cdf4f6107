"""The types of ids in addresses, and the numbers that pages read from them."""

import re
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field
from starlette.requests import Request

PLAIN_DIGITS = re.compile("[0-9]{1,18}")
MAX_PAGE_NUMBER = 10**9 - 1


def require_plain_digits(value: object) -> object:
    """Accepts only 1 to 18 digits. Pydantic alone would also read 1_5, 15.0, +15 and " 15" as 15. Raises ValueError."""
    if isinstance(value, str) and not PLAIN_DIGITS.fullmatch(value):
        raise ValueError("must be a whole number of 1 to 18 digits")
    return value


# Bounds stand before the validator, so that Pydantic writes them into the OpenAPI document.
PlainDigits = BeforeValidator(require_plain_digits)
UserId = Annotated[int, Field(ge=0, lt=10**18), PlainDigits]
MovieId = Annotated[int, Field(ge=0, lt=10**18), PlainDigits]


def parse_digits(text: str, *, least: int = 0, most: int = 10**18 - 1) -> int | None:
    """The whole number of 1 to 18 digits from `least` to `most`; None for any other text."""
    number = int(text) if PLAIN_DIGITS.fullmatch(text) else -1
    return number if least <= number <= most else None


def require_page_number(missing: str) -> Any:
    """FastAPI dependency: the parameter `page`, 1 without one. For anything but a number it raises a 404 `missing`."""

    async def provide_page_number(page: str = "") -> int:
        number = parse_digits(page or "1", least=1, most=MAX_PAGE_NUMBER)
        if number is None:
            raise HTTPException(404, missing)
        return number

    return Depends(provide_page_number)


async def refuse_unknown_parameters(request: Request) -> None:
    """FastAPI dependency: raises a 422 that names the query parameters that the OpenAPI schema does not have."""
    if not request.query_params:
        return
    known = list_query_parameters(request)
    knows = f"it has {', '.join(known)}" if known else "it has none"
    faults = [
        {
            "loc": ("query", shorten_for_display(name)),
            "msg": f"this address has no such parameter; {knows}",
            "type": "extra_forbidden",
        }
        for name in dict.fromkeys(request.query_params.keys())
        if name not in known
    ]
    if faults:
        raise RequestValidationError(faults)


def list_query_parameters(request: Request) -> list[str]:
    """The query parameters of the route that answers, as the OpenAPI schema names them."""
    operation = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    return [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]


def shorten_for_display(text: str) -> str:
    """The text cut to 40 characters and safe to encode, to repeat it in a message."""
    short = text if len(text) <= 40 else f"{text[:40]}…"
    return short.encode("utf-8", "replace").decode()
