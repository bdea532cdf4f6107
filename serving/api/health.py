"""The health of the site, as JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from movierec.bundles.bundle import BundleError
from serving.web.dependencies import TheSite, live_companion

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`ok`; `empty` without a bundle; `stale` while a newer bundle or companion cannot be served, or no companion at
    all, or one of another data set than the bundle. `fault` explains it. `companion` is the version of the clusters."""

    status: Literal["ok", "stale", "empty"]
    version: str | None = None
    companion: str | None = None
    run_id: str | None = None
    published_at: datetime | None = None
    age_seconds: int | None = None
    source: dict[str, Any] | None = None
    fault: str | None = None


@router.get("/health", responses={503: {"model": Health}})
def health(request: Request, site: TheSite, response: Response) -> Health:
    """What is served, since when, and what keeps something newer from being served."""
    try:
        bundle = site.live()
    except BundleError as error:
        response.status_code = 503
        return Health(status="empty", fault=str(error))
    about = site.about(bundle)
    beside, faults = live_companion(request), [site.live.fault]
    try:
        found = beside()
        companion = found.version
        faults += [beside.fault, mixed(about.source, found.manifest.get("source", {}), beside.home.name)]
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


def mixed(bundle: Mapping[str, Any], companion: Mapping[str, Any], sample: str) -> str | None:
    """What is wrong where bundle and companion come from different sources: one id means two movies then."""
    of, other = bundle.get("name"), companion.get("name")
    if other is None or other == of:
        return None
    return f"the bundle was made from {of}, the clusters from {other}; `make pipeline SAMPLE={sample}` makes both again"
