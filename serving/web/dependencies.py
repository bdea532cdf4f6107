"""What a request is given: the site, the bundle and its companion, each for the whole request."""

from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from movierec.bundles import versioned_folders
from movierec.bundles.bundle import Bundle
from movierec.bundles.companion import Companion, LiveCompanion
from movierec.bundles.versioned_folders import BundleError
from serving.web.rendering import Site, site_of

V = TypeVar("V", bound=versioned_folders.Versioned)


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


async def at_hand(live: versioned_folders.Live[V]) -> V:
    """What is served now. A thread is asked only for the first version of all: it costs more than what is at hand."""
    return live() if live.is_open else await run_in_threadpool(live)


async def the_site(request: Request) -> Site:
    return site_of(request)


async def the_bundle(request: Request) -> Bundle:
    """Raises BundleError while nothing is published; the app answers 503 then."""
    return await at_hand(site_of(request).live)


TheSite = Annotated[Site, Depends(the_site)]
TheBundle = Annotated[Bundle, Depends(the_bundle)]
