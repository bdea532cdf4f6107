"""JSON routes for operators: start the training of the clusters in Dagster, and follow the run."""

import threading
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, Field

from serving.api.request_models import JsonNumber, Question
from serving.runs.dagster_client import DagsterError, DagsterRun
from serving.web.dependencies import TheDagster
from serving.web.problems import describe_problems

router = APIRouter(tags=["operators"], responses=describe_problems(401, 403, 429, 503))

TRAINING_JOB = "train_kmeans"
LAUNCH_LOCK = threading.Lock()  # of two that ask at the same time one sees the run of the other


class KMeans(Question):
    """The number of clusters, 2 to 100."""

    k: Annotated[int, Field(ge=2, le=100), JsonNumber] = Field(default=10, examples=[12])


class Started(BaseModel):
    """The run that was started; `run_url` is its page in the Dagster UI, `GET /runs/{run_id}` has its state as JSON."""

    status: Literal["training started"]
    run_id: str
    run_url: str


class RunOut(BaseModel):
    """The state of a run; `status` is Dagster's own word: QUEUED, STARTED, SUCCESS, FAILURE, ..."""

    run_id: str
    run_url: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    steps: int
    steps_done: int
    at_work_on: list[str]


@router.post("/train-kmeans", status_code=202, responses=describe_problems(409))
def train_kmeans(dagster: TheDagster, question: KMeans | None = None) -> Started:
    """Starts a run of the job `train_kmeans`: it fits the clusters and their tags and publishes them to this site.

    409 while such a run is in progress. The site uses the new clusters as soon as they are published.
    """
    k = (question or KMeans()).k
    try:
        with LAUNCH_LOCK:
            running = dagster.find_active_run(TRAINING_JOB)
            if running is not None:
                raise HTTPException(
                    409, f"training run {running} has not finished yet: {dagster.build_run_url(running)}"
                )
            run_id = dagster.launch_run(TRAINING_JOB, {"ops": {"clusters": {"config": {"k": k}}}})
    except DagsterError as error:
        raise HTTPException(503, str(error)) from error
    return Started(status="training started", run_id=run_id, run_url=dagster.build_run_url(run_id))


@router.get("/runs/{run_id}", responses=describe_problems(404))
def training_run(
    dagster: TheDagster,
    run_id: Annotated[str, Path(pattern="^[0-9a-f-]{8,40}$", examples=["0d17c8bb-7933-4173-a973-f4570cc4d5c3"])],
) -> RunOut:
    """The state of a run. 404 for an unknown run."""
    try:
        found = dagster.find_run(run_id)
    except DagsterError as error:
        raise HTTPException(503, str(error)) from error
    if found is None:
        raise HTTPException(404, f"Dagster has no run {run_id}")
    return _to_run_out(found, dagster.build_run_url(run_id))


def _to_run_out(found: DagsterRun, url: str) -> RunOut:
    started, ended = (moment and datetime.fromtimestamp(moment, UTC) for moment in (found.started_at, found.ended_at))
    return RunOut.model_validate(found._asdict() | {"run_url": url, "started_at": started, "ended_at": ended})
