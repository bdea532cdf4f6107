"""The route that Prometheus reads. It uses no thread that pages use, and is not part of the JSON API."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from movierec.bundles.bundle import BundleError
from serving.observability.metrics import CONTENT_TYPE, BundleState, render_metrics
from serving.web.dependencies import TheSite
from serving.web.rendering import Site

router = APIRouter(include_in_schema=False)
POOL = ThreadPoolExecutor(1, thread_name_prefix="metrics")
REFUSALS = {
    "needs_token": (401, "The metrics need Authorization: Bearer with the value of MOVIEREC_METRICS_TOKEN.\n"),
    "needs_setting": (403, "The metrics are not open to this address; set MOVIEREC_METRICS_TOKEN to read them.\n"),
}


@router.get("/metrics")
async def show_metrics(request: Request, site: TheSite) -> Response:
    """The metrics of all workers in Prometheus' text format. 401 or 403 for whom `MetricsAccess` does not allow."""
    found = site.metrics_access.check(request)
    if found != "allowed":
        status, text = REFUSALS[found]
        headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
        return PlainTextResponse(text, status, headers)
    loop = asyncio.get_running_loop()
    content = await loop.run_in_executor(POOL, lambda: render_metrics(describe_bundle(site)))
    return Response(content, headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE)


def describe_bundle(site: Site) -> BundleState | None:
    """The served bundle, None if none can be served."""
    try:
        bundle = site.live_bundle()
    except BundleError:
        return None
    age = site.bundle_info(bundle).age_seconds(datetime.now(UTC))
    return BundleState(site.live_bundle.home.name, bundle.version, age, len(bundle.catalogue.movies))
