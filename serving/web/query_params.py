"""The types of ids and page numbers in addresses."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field


def require_plain_digits(value: object) -> object:
    """Accepts only 1 to 18 digits. Pydantic alone would also read 1_5, 15.0, +15 and " 15" as 15. Raises ValueError."""
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,18}", value):
        raise ValueError("must be a whole number of 1 to 18 digits")
    return value


QueryInteger = Annotated[int, BeforeValidator(require_plain_digits)]
UserId = Annotated[QueryInteger, Field(ge=0, lt=10**18)]
MovieId = Annotated[QueryInteger, Field(ge=0, lt=10**18)]
PageNumber = Annotated[QueryInteger, Field(ge=1, lt=10**9)]
