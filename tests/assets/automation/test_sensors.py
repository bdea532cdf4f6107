import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from assets.automation import sensors
from assets.automation.jobs import everything_job
from movierec.settings import Settings

STOPPED = dg.DefaultSensorStatus.STOPPED


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as own:
        yield own


@pytest.fixture
def webhook():
    """The address of a server, the alerts that it got, and the statuses of its next answers."""
    alerts, statuses = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            alerts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop() if statuses else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token-7", alerts, statuses
        server.shutdown()
        thread.join()


class Watcher:
    """The sensor of changed files over a folder, tick by tick."""

    def __init__(self, instance, source):
        self.instance, self.cursor = instance, None
        self.sensor = sensors.build_source_sensor(Settings(source=str(source)), STOPPED)

    def tick(self):
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        found = self.sensor(context)
        if isinstance(found, dg.SkipReason):
            return found.skip_message
        self.cursor = found.cursor or self.cursor
        return found.run_requests[0] if found.run_requests else found.skip_reason.skip_message


def test_changed_files_start_a_run_once_they_are_whole(instance, tmp_path):
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("1")
    watcher = Watcher(instance, tmp_path)
    assert [watcher.tick(), watcher.tick()] == ["nothing has changed"] * 2
    ratings.write_text("12")
    assert "waiting" in watcher.tick()
    ratings.write_text("123")
    assert "waiting" in watcher.tick()
    request = watcher.tick()
    assert request.partition_key == "full"
    assert watcher.tick() == "nothing has changed"


def test_changed_files_wait_for_the_run_that_is_in_progress(instance, tmp_path):
    watcher = Watcher(instance, tmp_path)
    watcher.tick()
    (tmp_path / "movies.csv").write_text("1")
    watcher.tick()
    run = instance.create_run_for_job(
        dg.GraphDefinition("graph").to_job(name=everything_job.name), status=dg.DagsterRunStatus.STARTED
    )
    assert run.run_id in watcher.tick()
    instance.report_run_failed(run)
    assert isinstance(watcher.tick(), dg.RunRequest)


def test_a_source_that_is_no_folder_is_not_watched(instance):
    assert Watcher(instance, "demo").tick() == "MOVIEREC_SOURCE=demo is not a folder"


@dg.op
def leak():
    raise ValueError("the password is hidden")


def fail_and_alert(instance, webhook):
    """Lets a run fail and the sensor see it."""
    job = dg.GraphDefinition("graph", node_defs=[leak]).to_job(name="leaking")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    event = next(each for each in result.all_events if each.is_failure and each.is_job_event)
    context = dg.build_run_status_sensor_context("alert_on_failure", event, instance, result.dagster_run)
    sensor = sensors.build_failure_sensor(Settings(alert_webhook=webhook, dagster_url="https://ui.example"), STOPPED)
    sensor(context.for_run_failure())
    return result.run_id


def test_a_failed_run_is_told_without_its_message(instance, webhook):
    address, alerts, _ = webhook
    run_id = fail_and_alert(instance, address)
    assert alerts == [
        {
            "text": f"movierec: run {run_id} of leaking failed",
            "run_id": run_id,
            "job": "leaking",
            "partition": None,
            "steps": ["leak (ValueError)"],
            "will_retry": False,
            "url": f"https://ui.example/runs/{run_id}",
        }
    ]


def test_an_alert_that_is_not_taken_is_an_error_that_does_not_name_the_address(instance, webhook):
    address, _, statuses = webhook
    statuses.append(500)
    with pytest.raises(sensors.AlertError, match="answered 500") as error:
        fail_and_alert(instance, address)
    assert "token-7" not in str(error.value)
    with pytest.raises(sensors.AlertError, match="ConnectError"):
        fail_and_alert(instance, "http://127.0.0.1:9/token-7")


def test_without_a_webhook_a_failure_is_logged_alone(instance, webhook):
    _, alerts, _ = webhook
    fail_and_alert(instance, "")
    assert alerts == []
