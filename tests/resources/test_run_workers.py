"""A run in a process of its own, as Dagster's code server starts it, ended in different ways."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from movierec.settings import Settings
from resources import dagster_instance
from resources.dagster_instance import LOCK_TAG

WORKER = """
import sys, time, uuid
import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from resources.dagster_instance import LOCK_TAG
from resources.run_workers import locking_executor

@dg.op
def work():
    print("at work", flush=True)
    time.sleep(60 if sys.argv[1] == "wait" else 0)
    if sys.argv[1] == "fail":
        raise ValueError

@dg.resource
def broken():
    raise ValueError

@dg.op(required_resource_keys={"broken"})
def need_resource(): ...

@dg.job(executor_def=locking_executor)
def waiting():
    work()

@dg.job(executor_def=locking_executor, resource_defs={"broken": broken})
def without_resource():
    need_resource()

job = without_resource if sys.argv[1] == "no-resource" else waiting
with dg.DagsterInstance.get() as instance:
    run_id = str(uuid.uuid4())
    tags = {LOCK_TAG: run_id}  # as the launcher does
    run = instance.create_run_for_job(job, run_id=run_id, tags=tags)
    print(run.run_id, flush=True)
    list(execute_run_iterator(InMemoryJob(job), run, instance))
"""


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    dagster_instance.prepare_dagster_home(Settings(home=tmp_path))
    with dg.DagsterInstance.get() as own:
        yield own


def start_worker(what):
    """The process and the id of its run, once the run is at work."""
    worker = subprocess.Popen([sys.executable, "-c", WORKER, what], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    run_id = worker.stdout.readline().decode().strip()
    if what == "wait":
        assert worker.stdout.readline() == b"at work\n"
    return worker, run_id


def monitor(instance, monkeypatch, *, minutes_later=2):
    """One round of Dagster's run monitoring, as its daemon does it."""

    class Process:
        def __init__(self):
            self.instance = instance

        def create_request_context(self):
            return None

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60 * minutes_later)
    faults = list(execute_run_monitoring_iteration(Process(), logging.getLogger("monitoring")))
    assert not any(faults)
    monkeypatch.undo()


def test_a_killed_run_is_failed_by_the_monitoring_and_will_be_retried_once(instance, monkeypatch):
    worker, run_id = start_worker("wait")
    with worker:
        monitor(instance, monkeypatch, minutes_later=5)
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.STARTED
        os.kill(worker.pid, signal.SIGKILL)
    monitor(instance, monkeypatch)
    run = instance.get_run_by_id(run_id)
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert run.tags["dagster/will_retry"] == "true"


@pytest.mark.parametrize("what", ["fail", "no-resource"])
def test_a_run_that_fails_by_itself_is_not_retried(instance, what):
    worker, run_id = start_worker(what)
    with worker:
        worker.communicate(timeout=60)
    run = instance.get_run_by_id(run_id)
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert run.tags["dagster/will_retry"] == "false"


def test_the_launcher_of_our_configuration_knows_a_living_worker(instance):
    worker, run_id = start_worker("wait")
    with worker:
        run = instance.get_run_by_id(run_id)
        assert run.tags[LOCK_TAG] == run_id
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        assert (Path(instance.root_directory) / "locks" / f"{run_id}.lock").exists()
        worker.kill()
