"""FastAPI dependencies: the site, the bundle, a movie of it, the companion, and Dagster for operators."""

from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from movierec.bundles import versioned_folders
from movierec.bundles.bundle import Bundle
from movierec.bundles.companion import Companion
from movierec.bundles.versioned_folders import BundleError
from movierec.catalog.catalog import Movie
from serving.i18n.languages import N_
from serving.observability.request_record import note_bundle
from serving.runs.dagster_client import DagsterClient
from serving.web.addresses import identify_client
from serving.web.query_params import parse_digits
from serving.web.rendering import Site, get_site

V = TypeVar("V", bound=versioned_folders.HasVersion)


async def get_current_version(live: versioned_folders.LiveVersion[V]) -> V:
    """The current version. The first open of all runs in the thread pool; later calls need no thread."""
    return live() if live.is_open else await run_in_threadpool(live)


async def provide_site(request: Request) -> Site:
    """FastAPI dependency: the site."""
    return get_site(request)


async def provide_bundle(request: Request) -> Bundle:
    """FastAPI dependency: the current bundle. Raises BundleError if none is published; the app answers 503."""
    bundle = await get_current_version(get_site(request).live_bundle)
    note_bundle(bundle.version)
    return bundle


TheSite = Annotated[Site, Depends(provide_site)]
TheBundle = Annotated[Bundle, Depends(provide_bundle)]


async def provide_movie(bundle: TheBundle, movie_id: str) -> Movie:
    """The movie of a page's address. Raises a 404 if the text is not an id or the catalogue does not have it."""
    number = parse_digits(movie_id)
    if number not in bundle.catalogue.by_id:
        raise HTTPException(404, N_("This movie is not in the catalogue."))
    return bundle.catalogue.by_id[number]


TheMovie = Annotated[Movie, Depends(provide_movie)]


async def provide_companion(site: TheSite) -> Companion:
    """The published companion. Raises a 503 with the reason if none can be served."""
    try:
        return await get_current_version(site.live_companion)
    except BundleError as error:
        advice = f"`make clusters SAMPLE={site.live_companion.home.name}` makes them from the existing tables"
        raise HTTPException(503, site.hide_home(f"clusters are not available: {error}; {advice}")) from None


async def provide_companion_or_none(site: TheSite) -> Companion | None:
    """The published companion, None if none can be served."""
    try:
        return await get_current_version(site.live_companion)
    except BundleError:
        return None


TheCompanion = Annotated[Companion, Depends(provide_companion)]
MaybeCompanion = Annotated[Companion | None, Depends(provide_companion_or_none)]


bearer_scheme = HTTPBearer(auto_error=False, description="The value of MOVIEREC_ADMIN_TOKEN")


def provide_dagster(
    request: Request, site: TheSite, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
) -> DagsterClient:
    """The Dagster client. Raises a 401, 403 or 429 if the request does not have the operators' token."""
    site.operators.require_operator(given, client=identify_client(request))
    return site.operators.dagster


TheDagster = Annotated[DagsterClient, Depends(provide_dagster)]
