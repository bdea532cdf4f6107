"""The JSON routes that report the state of the site. They use no thread that pages use, so they always answer."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from movierec.bundles.bundle import Bundle, BundleError
from movierec.bundles.companion import Companion
from movierec.bundles.versioned_folders import LiveVersion
from serving.web.dependencies import TheSite, V
from serving.web.rendering import Site

router = APIRouter(tags=["health"])
OPENING_POOL = ThreadPoolExecutor(1, thread_name_prefix="health")  # for what is not open yet


class Health(BaseModel):
    """The state of what is served.

    `status` is `empty` without a bundle; `stale` if a newer bundle or companion cannot be loaded, if the files of the
    served one were lost or changed, if there is no companion, or if it was built from another data set than the bundle;
    `degraded` if the database cannot be used, so that pages are served but nothing can be stored; else `ok`. `fault`
    explains it. `companion` is the version of the clusters.
    """

    status: Literal["ok", "stale", "degraded", "empty"]
    version: str | None = None
    companion: str | None = None
    run_id: str | None = None
    published_at: datetime | None = None
    age_seconds: int | None = None
    source: dict[str, Any] | None = None
    fault: str | None = None


class Liveness(BaseModel):
    """The answer of a process that is alive."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether pages can be served; `fault` says why not."""

    status: Literal["ready", "not ready"]
    fault: str | None = None


@router.get("/health", responses={503: {"model": Health}})
async def health(site: TheSite, response: Response) -> Health:
    """What is served, since when, and why something newer is not. 503 without a bundle."""
    database_fault = await site.database_check.find_fault()
    try:
        bundle = await open_current(site.live_bundle)
    except BundleError as error:
        response.status_code = 503
        return Health(status="empty", fault=join_faults(site, [str(error), database_fault]))
    companion, faults = await find_companion(site, bundle)
    about = site.bundle_info(bundle)
    faults = [site.live_bundle.find_fault(), *faults]
    return Health(
        status="stale" if any(faults) else "degraded" if database_fault else "ok",
        version=about.version,
        companion=companion.version if companion else None,
        run_id=about.run_id,
        published_at=about.published_at,
        age_seconds=about.age_seconds(datetime.now(UTC)),
        source=dict(about.source),
        fault=join_faults(site, [*faults, database_fault]),
    )


@router.get("/health/live")
async def health_live() -> Liveness:
    """Whether the process answers. It asks nothing else, so a supervisor may restart the process if it does not."""
    return Liveness()


@router.get("/health/ready", responses={503: {"model": Readiness}})
async def health_ready(site: TheSite, response: Response) -> Readiness:
    """Whether pages can be served: 503 without a bundle. A database that cannot be used does not matter here."""
    try:
        await open_current(site.live_bundle)
    except BundleError as error:
        response.status_code = 503
        return Readiness(status="not ready", fault=site.hide_home(str(error)))
    return Readiness(status="ready")


async def open_current(live: LiveVersion[V]) -> V:
    """The current version. Only if none is open yet it is opened in a thread. Raises BundleError."""
    return live() if live.is_open else await asyncio.get_running_loop().run_in_executor(OPENING_POOL, live)


async def find_companion(site: Site, bundle: Bundle) -> tuple[Companion | None, list[str | None]]:
    """The companion, None without one, and what is wrong with it."""
    live = site.live_companion
    try:
        companion = await open_current(live)
    except BundleError as error:
        return None, [str(error)]
    of_bundle, of_companion = site.bundle_info(bundle).source, companion.manifest.get("source", {})
    return companion, [live.find_fault(), explain_mixed_sources(of_bundle, of_companion, live.home.name)]


def join_faults(site: Site, faults: list[str | None]) -> str | None:
    """The faults in one text, None without any."""
    return site.hide_home("; ".join(each for each in faults if each)) or None


def explain_mixed_sources(
    bundle_source: Mapping[str, Any], companion_source: Mapping[str, Any], sample: str
) -> str | None:
    """The problem if bundle and companion were built from different data sets, else None.

    The same movie id would then mean two movies.
    """
    of, other = bundle_source.get("name"), companion_source.get("name")
    if other is None or other == of:
        return None
    return f"the bundle was made from {of}, the clusters from {other}; `make pipeline SAMPLE={sample}` makes both again"
