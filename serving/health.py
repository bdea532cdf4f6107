"""The health of the site, as JSON."""

from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from movierec.published import BundleError
from serving.deps import TheSite

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`ok`; `stale` while a newer bundle cannot be served, which `fault` explains; `empty` without any."""

    status: Literal["ok", "stale", "empty"]
    version: str | None = None
    run_id: str | None = None
    published_at: datetime | None = None
    age_seconds: int | None = None
    source: dict[str, Any] | None = None
    fault: str | None = None


@router.get("/health", responses={503: {"model": Health}})
def health(site: TheSite, response: Response) -> Health:
    """What is served, since when, and what keeps a newer bundle from being served."""
    try:
        bundle = site.live()
    except BundleError as error:
        response.status_code = 503
        return Health(status="empty", fault=str(error))
    about = site.about(bundle)
    return Health(
        status="stale" if site.live.fault else "ok",
        version=about.version,
        run_id=about.run_id,
        published_at=about.published_at,
        age_seconds=about.age_seconds(datetime.now(UTC)),
        source=dict(about.source),
        fault=site.live.fault,
    )
