"""The companion as a request gets it: the published one, or the reason why there is none."""

from typing import Annotated

from fastapi import Depends, HTTPException
from starlette.requests import Request

from movierec.companion import Companion, LiveCompanion
from movierec.versions import BundleError
from serving.deps import at_hand


async def companion_of(request: Request) -> Companion:
    """503 with the reason while nothing servable is published."""
    live = live_companion(request)
    try:
        return await at_hand(live)
    except BundleError as error:
        advice = f"`make clusters SAMPLE={live.home.name}` makes them from the existing tables"
        raise HTTPException(503, f"clusters are not available: {error}; {advice}") from None


async def companion_or_none(request: Request) -> Companion | None:
    """None while nothing servable is published; what can do without it does."""
    try:
        return await at_hand(live_companion(request))
    except BundleError:
        return None


def live_companion(request: Request) -> LiveCompanion:
    found: LiveCompanion = request.app.state.companion
    return found


TheCompanion = Annotated[Companion, Depends(companion_of)]
MaybeCompanion = Annotated[Companion | None, Depends(companion_or_none)]
