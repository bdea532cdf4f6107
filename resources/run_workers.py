"""How a run shows that its process is at work: it holds a file lock, which the operating system releases when it dies.

The executor holds the lock, the launcher (named in `resources/dagster.yaml`) lets Dagster's run monitoring look at it.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.executor.init import InitExecutorContext
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus

from resources.dagster_instance import LOCK_TAG, has_lost_process, hold_run_lock

MAX_RETRIES_TAG = "dagster/max_retries"
N_RETRIES_OF_LOST_RUN = "1"


class LockingExecutor(InProcessExecutor):
    """Runs all steps in this process, and holds the run's lock meanwhile.

    A run whose process is lost is retried once, from the steps that it had not finished. One that ends by an exception
    is not: it would end in the same way again.
    """

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        """The events of the run."""
        instance, run_id = plan_context.instance, plan_context.run_id
        with hold_run_lock(Path(instance.root_directory), run_id) as tags:
            instance.add_run_tags(run_id, {**tags, MAX_RETRIES_TAG: N_RETRIES_OF_LOST_RUN})
            try:
                yield from super().execute(plan_context, execution_plan)
            except Exception:
                instance.add_run_tags(run_id, {MAX_RETRIES_TAG: "0"})
                raise


@dg.executor(name="locking_in_process")
def locking_executor(_: InitExecutorContext) -> LockingExecutor:
    """All steps of a run in one process that holds the run's lock."""
    return LockingExecutor(retries=RetryMode.ENABLED)


class LockingRunLauncher(DefaultRunLauncher):
    """Dagster's own launcher, which also knows whether the process of a run lives: whether the run's lock is held."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Starts the run; its tag names the lock before there is a process."""
        run_id = context.dagster_run.run_id
        self._instance.add_run_tags(run_id, {LOCK_TAG: run_id})
        super().launch_run(context)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """FAILED if the process of the run is known to be dead, else RUNNING."""
        record = self._instance.get_run_record_by_id(run.run_id)
        if record and has_lost_process(record, Path(self._instance.root_directory)):
            return CheckRunHealthResult(WorkerStatus.FAILED, "The process of the run has died.")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
