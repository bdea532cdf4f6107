"""JSON for operators: new clusters by a real run of the graph, and how a run stands."""

import threading
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, Field

from serving.api.request_models import Whole
from serving.runs.dagster_client import DagsterError, Run
from serving.runs.operators import TheDagster
from serving.web.problems import responses

router = APIRouter(tags=["operators"], responses=responses(401, 403, 503))

JOB = "train_kmeans"
LAUNCHING = threading.Lock()  # of two that ask at the same time one sees the run of the other


class KMeans(BaseModel):
    """How many clusters."""

    k: Annotated[Whole, Field(ge=2, le=100)] = Field(default=10, examples=[12])


class Started(BaseModel):
    """`run_url` is the run's page in the Dagster UI; `GET /runs/{run_id}` tells the same to machines."""

    status: Literal["training started"]
    run_id: str
    run_url: str


class RunOut(BaseModel):
    """`status` is Dagster's word: QUEUED, STARTED, SUCCESS, FAILURE, ..."""

    run_id: str
    run_url: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    steps: int
    steps_done: int
    at_work_on: list[str]


@router.post("/train-kmeans", status_code=202, responses=responses(409))
def train_kmeans(dagster: TheDagster, question: KMeans | None = None) -> Started:
    """Starts a run of the job `train_kmeans`: clusters, their tags, and their publication to this site.

    409 while one is running. The site serves the new clusters as soon as they are published.
    """
    k = (question or KMeans()).k
    try:
        with LAUNCHING:
            running = dagster.active(JOB)
            if running is not None:
                raise HTTPException(409, f"training run {running} has not finished yet: {dagster.run_url(running)}")
            run_id = dagster.launch(JOB, {"ops": {"clusters": {"config": {"k": k}}}})
    except DagsterError as error:
        raise HTTPException(503, str(error)) from error
    return Started(status="training started", run_id=run_id, run_url=dagster.run_url(run_id))


@router.get("/runs/{run_id}", responses=responses(404))
def training_run(
    dagster: TheDagster,
    run_id: Annotated[str, Path(pattern="^[0-9a-f-]{8,40}$", examples=["0d17c8bb-7933-4173-a973-f4570cc4d5c3"])],
) -> RunOut:
    """How a run stands."""
    try:
        found = dagster.run(run_id)
    except DagsterError as error:
        raise HTTPException(503, str(error)) from error
    if found is None:
        raise HTTPException(404, f"Dagster has no run {run_id}")
    return _told(found, dagster.run_url(run_id))


def _told(found: Run, url: str) -> RunOut:
    started, ended = (moment and datetime.fromtimestamp(moment, UTC) for moment in (found.started_at, found.ended_at))
    return RunOut.model_validate(found._asdict() | {"run_url": url, "started_at": started, "ended_at": ended})
