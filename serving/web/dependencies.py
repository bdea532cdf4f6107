"""FastAPI dependencies for the companion (clusters and content features), which may not be published."""

from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from movierec.bundles import versioned_folders
from movierec.bundles.bundle import Bundle
from movierec.bundles.companion import Companion, LiveCompanion
from movierec.bundles.versioned_folders import BundleError
from serving.web.rendering import Site, get_site

V = TypeVar("V", bound=versioned_folders.Versioned)


async def provide_companion(request: Request) -> Companion:
    """The published companion. Raises a 503 with the reason if none can be served."""
    live = get_live_companion(request)
    try:
        return await get_current_version(live)
    except BundleError as error:
        advice = f"`make clusters SAMPLE={live.home.name}` makes them from the existing tables"
        raise HTTPException(503, f"clusters are not available: {error}; {advice}") from None


async def provide_companion_or_none(request: Request) -> Companion | None:
    """The published companion, None if none can be served."""
    try:
        return await get_current_version(get_live_companion(request))
    except BundleError:
        return None


def get_live_companion(request: Request) -> LiveCompanion:
    """The companion's loader, which opens new versions as they are published."""
    found: LiveCompanion = request.app.state.companion
    return found


TheCompanion = Annotated[Companion, Depends(provide_companion)]
MaybeCompanion = Annotated[Companion | None, Depends(provide_companion_or_none)]


async def get_current_version(live: versioned_folders.Live[V]) -> V:
    """The current version. The first open of all runs in the thread pool; later calls need no thread."""
    return live() if live.is_open else await run_in_threadpool(live)


async def provide_site(request: Request) -> Site:
    """FastAPI dependency: the site."""
    return get_site(request)


async def provide_bundle(request: Request) -> Bundle:
    """FastAPI dependency: the current bundle. Raises BundleError if none is published; the app answers 503."""
    return await get_current_version(get_site(request).live_bundle)


TheSite = Annotated[Site, Depends(provide_site)]
TheBundle = Annotated[Bundle, Depends(provide_bundle)]
