"""Runs of the asset graph, started and watched over Dagster's GraphQL."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

LOCATION, REPOSITORY = "movierec", "__repository__"
UNFINISHED = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on UnauthorizedError { message }
    ... on PipelineNotFoundError { message }
    ... on InvalidSubsetError { message }
  }
}"""
PROGRESS = """
query Progress($id: ID!) {
  runOrError(runId: $id) {
    __typename
    ... on Run {
      runId status startTime endTime
      executionPlan { steps { key } }
      stepStats { stepKey status }
    }
  }
}"""
ACTIVE = """
query Active($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 1) { __typename ... on Runs { results { runId } } }
}"""


class DagsterError(RuntimeError):
    """Dagster is not there, or refuses."""


class Run(NamedTuple):
    """`status` is Dagster's own word. Times are seconds since 1970, None while the run has not begun or ended."""

    run_id: str
    status: str
    started_at: float | None
    ended_at: float | None
    steps: int
    steps_done: int
    at_work_on: list[str]


@dataclass(frozen=True)
class Dagster:
    """The webserver at `url`, for the partition `sample`."""

    url: str
    sample: str
    transport: httpx.BaseTransport | None = field(default=None, repr=False)

    def launch(self, job: str, config: dict[str, Any]) -> str:
        """Queues a run of the job; gives its id. Raises DagsterError with the reason."""
        params = {
            "selector": {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "pipelineName": job},
            "mode": "default",
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": self.sample}]},
        }
        answer = self._ask(LAUNCH, {"params": params}, "launchRun")
        if answer["__typename"] != "LaunchRunSuccess":
            told = answer.get("message") or "; ".join(each["message"] for each in answer.get("errors", []))
            raise DagsterError(f"Dagster did not start {job}: {answer['__typename']} {told}".strip())
        return str(answer["run"]["runId"])

    def active(self, job: str) -> str | None:
        """The id of a run of the job for this sample that has not ended."""
        tags = [{"key": "dagster/partition", "value": self.sample}]
        wanted = {"pipelineName": job, "statuses": list(UNFINISHED), "tags": tags}
        answer = self._ask(ACTIVE, {"filter": wanted}, "runsOrError")
        if answer["__typename"] != "Runs":
            raise DagsterError(f"Dagster did not list the active runs: {answer['__typename']}")
        runs = answer["results"]
        return str(runs[0]["runId"]) if runs else None

    def run(self, run_id: str) -> Run | None:
        """None where Dagster knows no such run."""
        answer = self._ask(PROGRESS, {"id": run_id}, "runOrError")
        if answer["__typename"] == "RunNotFoundError":
            return None
        if answer["__typename"] != "Run":
            raise DagsterError(f"Dagster did not return run {run_id}: {answer['__typename']}")
        steps = (answer.get("executionPlan") or {}).get("steps", [])
        by_status = {stats["stepKey"]: stats["status"] for stats in answer["stepStats"]}
        return Run(
            answer["runId"],
            answer["status"],
            answer["startTime"],
            answer["endTime"],
            len(steps),
            sum(status == "SUCCESS" for status in by_status.values()),
            sorted(step for step, status in by_status.items() if status == "IN_PROGRESS"),
        )

    def run_url(self, run_id: str) -> str:
        return f"{self.url}/runs/{run_id}"

    def _ask(self, query: str, variables: dict[str, Any], field: str) -> dict[str, Any]:
        """What GraphQL answers under `field`, an object that names its type."""
        try:
            with httpx.Client(transport=self.transport, timeout=10) as client:
                answer = client.post(f"{self.url}/graphql", json={"query": query, "variables": variables})
                answer.raise_for_status()
                content = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise DagsterError(
                f"Dagster does not answer at {self.url} ({type(error).__name__}); `make run` starts it"
            ) from error
        match content:
            case {"errors": [{"message": message}, *_]}:
                raise DagsterError(f"Dagster returned an error: {message}")
            case {"data": {**data}} if isinstance(found := data.get(field), dict) and "__typename" in found:
                return found
            case _:
                raise DagsterError(f"the server at {self.url} is not Dagster: its answer has no {field}")
