"""The companion as a request gets it: the published one, or the reason why there is none."""

import logging
from typing import Annotated

from fastapi import Depends, HTTPException
from starlette.requests import Request

from movierec.companion import Companion, LiveCompanion
from movierec.versions import BundleError

log = logging.getLogger(__name__)


def companion_or_none(request: Request) -> Companion | None:
    """None while nothing servable is published; what can do without it does."""
    live: LiveCompanion = request.app.state.companion
    try:
        return live()
    except BundleError:
        return None


def companion_of(companion: Annotated[Companion | None, Depends(companion_or_none)]) -> Companion:
    """503 while nothing servable is published."""
    if companion is None:
        raise HTTPException(503, "no clusters are published: run `make pipeline SELECT='key:clusters+'`")
    return companion


TheCompanion = Annotated[Companion, Depends(companion_of)]
MaybeCompanion = Annotated[Companion | None, Depends(companion_or_none)]
