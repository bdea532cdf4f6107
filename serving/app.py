"""The site as an ASGI application. `python -m serving.server` serves it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect

from movierec.bundles.bundle import BundleError, LiveBundle
from movierec.bundles.companion import LiveCompanion
from movierec.settings import Settings, split_secrets
from serving.api import clusters, health, metrics, movie_search, movies, recommendations, runs, users
from serving.community.community import Community
from serving.images.image_store import ImageStore
from serving.observability.metrics import forget_dead_workers
from serving.observability.middleware import RecordRoute, WatchRequests
from serving.observability.tracing import start_tracing
from serving.pages import (
    account,
    catalogue,
    docs,
    home,
    images,
    movie,
    my_movies,
    onboarding,
    opinions,
    search,
    sign_in,
)
from serving.runs.operators import Operators
from serving.web.addresses import AllowedHosts, PublicAddress
from serving.web.api_keys import require_one_of
from serving.web.errors import (
    handle_crash,
    handle_http_error,
    handle_invalid_request,
    handle_lost_client,
    handle_missing_bundle,
    refuse_foreign_request,
)
from serving.web.metrics_access import MetricsAccess
from serving.web.middleware import BodySizeLimit, HeadAsGet, JsonEtags, SameOrigin, SecurityHeaders
from serving.web.problems import describe_problems, install_openapi_schema
from serving.web.query_params import refuse_unknown_parameters
from serving.web.rendering import Site
from serving.web.runtime import prepare_process
from serving.web.static_files import STATIC_FOLDER

HTMX_FILE = STATIC_FOLDER / "vendor" / "htmx.min.js"
PAGE_MODULES = (docs, home, catalogue, movie, images, search, opinions, sign_in, my_movies, account, onboarding)
READING_MODULES = (movie_search, movies, recommendations, clusters, users)  # what API keys open
OPEN_MODULES = (health, metrics)  # these ignore parameters that they do not know
API_MODULES = (*READING_MODULES, runs, *OPEN_MODULES)
UPKEEP_SECONDS = 3600
API_DESCRIPTION = (
    "Movies, recommendations and clusters as JSON. Errors are problem details (RFC 9457); docs/api.md says more."
)


def from_environment() -> FastAPI:
    """Builds the app from the environment variables of Settings; it answers only under its own host names.

    Raises SettingsError for an invalid variable.
    """
    return create_app(Settings.from_environment(), checks_host=True)


def create_app(
    settings: Settings,
    *,
    htmx: Path = HTMX_FILE,
    community: Community | None = None,
    operators: Operators | None = None,
    checks_host: bool = False,
) -> FastAPI:
    """Builds the app. It also starts without a published bundle, and serves the first one as soon as it appears.

    If `checks_host`, it answers only under its own host names. Raises RuntimeError if the file of htmx is missing.
    """
    if not htmx.is_file():
        raise RuntimeError(f"{htmx} is missing: run `make setup`")
    community = community or Community.from_settings(settings)
    live = LiveBundle(settings.layout.locate_bundles(settings.sample))
    companion = LiveCompanion(settings.layout.locate_companions(settings.sample))
    image_store = ImageStore.from_settings(settings)
    app = FastAPI(
        title="movierec",
        docs_url=None,
        redoc_url=None,
        lifespan=run_site,
        generate_unique_id_function=get_operation_id,
    )
    operators = operators or Operators.from_settings(settings)
    app.state.site = site = Site.create(
        live,
        companion,
        community,
        image_store,
        operators,
        metrics_access=MetricsAccess.from_settings(settings),
        home=settings.home,
    )
    for page in PAGE_MODULES:
        app.include_router(page.router)
    include_api(app, api_keys=split_secrets(settings.api_keys.get_secret_value()))
    install_openapi_schema(app, description=API_DESCRIPTION)
    app.mount("/static", site.static_files, name="static")
    app.add_exception_handler(HTTPException, handle_http_error)
    app.add_exception_handler(RequestValidationError, handle_invalid_request)
    app.add_exception_handler(BundleError, handle_missing_bundle)
    app.add_exception_handler(ClientDisconnect, handle_lost_client)
    app.add_exception_handler(Exception, handle_crash)
    app.add_middleware(RecordRoute)
    app.add_middleware(BodySizeLimit)
    app.add_middleware(JsonEtags)
    app.add_middleware(SameOrigin, refuse=refuse_foreign_request)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(HeadAsGet)
    if settings.public_url:
        app.add_middleware(PublicAddress, public_url=settings.public_url)
    if checks_host:
        app.add_middleware(AllowedHosts, public_url=settings.public_url)
    app.state.tracer = tracer = start_tracing(settings.otlp_endpoint)
    app.add_middleware(WatchRequests, writes_log=settings.log_format == "json", tracer=tracer)
    return app


def include_api(app: FastAPI, *, api_keys: Sequence[str]) -> None:
    """Adds the JSON API. If there are `api_keys`, what reads needs one; health is always open."""
    with_key, known_only = Depends(require_one_of(api_keys)), Depends(refuse_unknown_parameters)
    for each in API_MODULES:
        needs_key = bool(api_keys) and each in READING_MODULES
        problems = describe_problems(422, 503, *([401] if needs_key else []))
        dependencies = [*([with_key] if needs_key else []), *([] if each in OPEN_MODULES else [known_only])]
        app.include_router(each.router, responses=problems, dependencies=dependencies)


def get_operation_id(route: APIRoute) -> str:
    """The name of the route's function. Generated clients use it as the name of the call."""
    return route.name


@asynccontextmanager
async def run_site(app: FastAPI) -> AsyncIterator[None]:
    """The app's lifespan: opens bundle and database before the first request, stops fetching images at the end."""
    site: Site = app.state.site
    forget_dead_workers()
    with prepare_process(site.live_bundle, site.live_companion):
        await to_thread.run_sync(site.community.prepare_database)
        upkeep = asyncio.create_task(delete_expired_regularly(site.community))
        yield
        upkeep.cancel()
    site.image_store.close()
    if app.state.tracer:
        await to_thread.run_sync(app.state.tracer.close)


async def delete_expired_regularly(community: Community) -> None:
    """Deletes what has expired, every UPKEEP_SECONDS until it is cancelled."""
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        await to_thread.run_sync(community.delete_expired)
