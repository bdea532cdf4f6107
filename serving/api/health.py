"""The JSON route that reports the state of the site."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from movierec.bundles.bundle import BundleError
from serving.web.dependencies import TheSite

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The state of what is served.

    `status` is `empty` without a bundle; `stale` if a newer bundle or companion cannot be loaded, if there is no
    companion, or if it was built from another data set than the bundle; else `ok`. `fault` explains it. `companion` is
    the version of the clusters.
    """

    status: Literal["ok", "stale", "empty"]
    version: str | None = None
    companion: str | None = None
    run_id: str | None = None
    published_at: datetime | None = None
    age_seconds: int | None = None
    source: dict[str, Any] | None = None
    fault: str | None = None


@router.get("/health", responses={503: {"model": Health}})
def health(site: TheSite, response: Response) -> Health:
    """What is served, since when, and why something newer is not. 503 without a bundle."""
    try:
        bundle = site.live_bundle()
    except BundleError as error:
        response.status_code = 503
        return Health(status="empty", fault=str(error))
    about = site.bundle_info(bundle)
    beside, faults = site.live_companion, [site.live_bundle.last_error]
    try:
        found = beside()
        companion = found.version
        faults += [
            beside.last_error,
            explain_mixed_sources(about.source, found.manifest.get("source", {}), beside.home.name),
        ]
    except BundleError as error:
        companion = None
        faults.append(str(error))
    fault = "; ".join(each for each in faults if each) or None
    return Health(
        status="stale" if fault else "ok",
        version=about.version,
        companion=companion,
        run_id=about.run_id,
        published_at=about.published_at,
        age_seconds=about.age_seconds(datetime.now(UTC)),
        source=dict(about.source),
        fault=fault,
    )


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
