"""The types of ids and page numbers in addresses."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field


def plain_digits(value: object) -> object:
    """Lets no text pass but 1 to 18 digits: left alone, Pydantic reads 1_5, 15.0, +15 and " 15" as 15 too."""
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,18}", value):
        raise ValueError("must be a whole number of 1 to 18 digits")
    return value


Whole = Annotated[int, BeforeValidator(plain_digits)]
UserId = Annotated[Whole, Field(ge=0, lt=10**18)]
MovieId = Annotated[Whole, Field(ge=0, lt=10**18)]
PageNumber = Annotated[Whole, Field(ge=1, lt=10**9)]
