"""The site as an ASGI application: `uvicorn serving.app:from_environment --factory`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from movierec.bundles.bundle import BundleError, Live
from movierec.bundles.companion import LiveCompanion
from serving.api import clusters, health, movie_search, movies, recommendations, runs, users
from serving.community.community import Community
from serving.images.image_store import Pictures
from serving.pages import account, catalogue, home, images, movie, my_movies, onboarding, opinions, search, sign_in
from serving.runs.operators import Operators
from serving.settings import SiteSettings
from serving.web.errors import on_crash, on_foreign, on_http_error, on_invalid, on_no_bundle
from serving.web.middleware import BoundedBodies, HeadAsGet, JsonEtags, SafeHeaders, SameOrigin
from serving.web.problems import describe, responses
from serving.web.rendering import Site
from serving.web.runtime import ready
from serving.web.static_files import STATIC

log = logging.getLogger(__name__)

HTMX = STATIC / "vendor" / "htmx.min.js"
PAGES = (home, catalogue, movie, images, search, opinions, sign_in, my_movies, account, onboarding)
APIS = (movie_search, movies, recommendations, clusters, users, runs, health)
ABOUT_THE_API = (
    "Movies, recommendations and clusters as JSON. Errors are problem details (RFC 9457); docs/api.md says more."
)


def from_environment() -> FastAPI:
    """The variables of SiteSettings say what is served and where people's opinions are kept."""
    settings = SiteSettings.from_environment()
    pictures = Pictures.of(settings.home, settings.sample, host=settings.tmdb_images, cache_mb=settings.poster_cache_mb)
    return create_app(settings.home, settings.sample, people=Community.of(settings), pictures=pictures)


def create_app(
    home: Path,
    sample: str,
    *,
    htmx: Path = HTMX,
    people: Community | None = None,
    pictures: Pictures | None = None,
    operators: Operators | None = None,
) -> FastAPI:
    """Starts without a bundle too, and serves the first one as soon as it is published."""
    if not htmx.is_file():
        raise RuntimeError(f"{htmx} is missing: run `make setup`")
    people = people or Community.of(SiteSettings(home=home))
    live = Live(home / "published" / sample)
    companion = LiveCompanion(home / "companion" / sample)
    pictures = pictures or Pictures.of(home, sample)
    app = FastAPI(
        title="movierec",
        docs_url=None,
        redoc_url=None,
        lifespan=opening(live, companion, people, pictures),
        generate_unique_id_function=operation_id,
    )
    app.state.site = site = Site.of(live, people, pictures)
    app.state.companion = companion
    app.state.operators = operators or Operators.from_environment(sample)
    for page in PAGES:
        app.include_router(page.router)
    for each in APIS:
        app.include_router(each.router, responses=responses(422, 503))
    describe(app, description=ABOUT_THE_API)
    app.mount("/static", site.statics, name="static")
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(BundleError, on_no_bundle)
    app.add_exception_handler(Exception, on_crash)
    app.add_middleware(BoundedBodies)
    app.add_middleware(JsonEtags)
    app.add_middleware(SameOrigin, refuse=on_foreign)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(SafeHeaders)
    app.add_middleware(HeadAsGet)
    return app


def operation_id(route: APIRoute) -> str:
    """Generated clients name their functions by it: the name of the function that answers."""
    return route.name


def opening(live: Live, companion: LiveCompanion, people: Community, pictures: Pictures) -> Any:
    """Opens the bundle and the site's database before a request has to wait; stops fetching images at the end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with ready(live, companion):
            await to_thread.run_sync(people.open)
            yield
        pictures.close()

    return lifespan
