"""A client of Dagster's GraphQL API: starts runs of jobs and reads their state."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

CODE_LOCATION, REPOSITORY_NAME = "movierec", "__repository__"
UNFINISHED_STATUSES = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")

LAUNCH_MUTATION = """
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
PROGRESS_QUERY = """
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
ACTIVE_RUNS_QUERY = """
query Active($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 1) { __typename ... on Runs { results { runId } } }
}"""


class DagsterError(RuntimeError):
    """Dagster does not answer, or refuses the request."""


class DagsterRun(NamedTuple):
    """The state of a run. Times are seconds since 1970, None before the run has started or ended.

    `status` is Dagster's own word; `at_work_on` are the steps in progress.
    """

    run_id: str
    status: str
    started_at: float | None
    ended_at: float | None
    steps: int
    steps_done: int
    at_work_on: list[str]


@dataclass(frozen=True)
class DagsterClient:
    """Talks to the Dagster webserver at `url` about the partition `sample`."""

    url: str
    sample: str
    transport: httpx.BaseTransport | None = field(default=None, repr=False)

    def launch_run(self, job: str, config: dict[str, Any]) -> str:
        """Queues a run of the job and returns its id. Raises DagsterError with the reason."""
        params = {
            "selector": {
                "repositoryLocationName": CODE_LOCATION,
                "repositoryName": REPOSITORY_NAME,
                "pipelineName": job,
            },
            "mode": "default",
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": self.sample}]},
        }
        answer = self._query_graphql(LAUNCH_MUTATION, {"params": params}, "launchRun")
        if answer["__typename"] != "LaunchRunSuccess":
            told = answer.get("message") or "; ".join(each["message"] for each in answer.get("errors", []))
            raise DagsterError(f"Dagster did not start {job}: {answer['__typename']} {told}".strip())
        return str(answer["run"]["runId"])

    def find_active_run(self, job: str) -> str | None:
        """The id of an unfinished run of the job for this sample, None without one. Raises DagsterError."""
        tags = [{"key": "dagster/partition", "value": self.sample}]
        wanted = {"pipelineName": job, "statuses": list(UNFINISHED_STATUSES), "tags": tags}
        answer = self._query_graphql(ACTIVE_RUNS_QUERY, {"filter": wanted}, "runsOrError")
        if answer["__typename"] != "Runs":
            raise DagsterError(f"Dagster did not list the active runs: {answer['__typename']}")
        runs = answer["results"]
        return str(runs[0]["runId"]) if runs else None

    def find_run(self, run_id: str) -> DagsterRun | None:
        """The state of the run, None if Dagster does not know it. Raises DagsterError."""
        answer = self._query_graphql(PROGRESS_QUERY, {"id": run_id}, "runOrError")
        if answer["__typename"] == "RunNotFoundError":
            return None
        if answer["__typename"] != "Run":
            raise DagsterError(f"Dagster did not return run {run_id}: {answer['__typename']}")
        steps = (answer.get("executionPlan") or {}).get("steps", [])
        by_status = {stats["stepKey"]: stats["status"] for stats in answer["stepStats"]}
        return DagsterRun(
            answer["runId"],
            answer["status"],
            answer["startTime"],
            answer["endTime"],
            len(steps),
            sum(status == "SUCCESS" for status in by_status.values()),
            sorted(step for step, status in by_status.items() if status == "IN_PROGRESS"),
        )

    def build_run_url(self, run_id: str) -> str:
        """The run's page in the Dagster UI."""
        return f"{self.url}/runs/{run_id}"

    def _query_graphql(self, query: str, variables: dict[str, Any], field: str) -> dict[str, Any]:
        """The object that GraphQL answers under `field`; it has a `__typename`. Raises DagsterError."""
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
