"""Sensors: runs that follow from something that has changed, and alerts about runs that have failed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import polars as pl

from assets.automation.freshness import build_companion_sensor
from assets.automation.jobs import backtest_job, everything_job
from assets.automation.schedules import describe_active_run
from assets.backtest import list_outdated_tables
from movierec.settings import Settings

N_NAMED_STEPS, ALERT_TIMEOUT_SECONDS = 5, 10


class AlertError(RuntimeError):
    """An alert could not be delivered. The message does not name the address, which may hold a secret."""


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """All sensors, on if `settings.automation` is."""
    status = dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED
    return [
        build_window_sensor(settings, status),
        build_source_sensor(settings, status),
        build_failure_sensor(settings, status),
        build_companion_sensor(status),
    ]


def build_window_sensor(settings: Settings, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Requests a run of `backtest` for each window that is new or whose ratings have changed."""

    @dg.asset_sensor(
        asset_key=dg.AssetKey("windows"),
        job=backtest_job,
        name="new_windows",
        default_status=status,
        description="Runs the back-test in the windows whose tables are missing or were made from other ratings.",
    )
    def new_windows(context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry) -> Iterator[dg.RunRequest]:  # noqa: ARG001
        sample = asset_event.dagster_event.partition if asset_event.dagster_event else None
        folder = settings.layout.locate_tables(str(sample))
        for row in pl.read_parquet(folder / "windows.parquet").iter_rows(named=True):
            if list_outdated_tables(folder, row["window"], row["fingerprint"]):
                key = dg.MultiPartitionKey({"sample": str(sample), "window": row["window"]})
                yield dg.RunRequest(run_key=f"{key} {row['fingerprint']}", partition_key=key)

    return new_windows


def build_source_sensor(settings: Settings, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Requests a run of `everything` when the CSV files of MOVIEREC_SOURCE have changed, if that is a folder."""

    @dg.sensor(
        job=everything_job,
        name="source_changed",
        default_status=status,
        minimum_interval_seconds=60,
        description="Materialises the whole graph when files in the folder MOVIEREC_SOURCE have changed and are whole.",
    )
    def source_changed(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        folder = Path(settings.source)
        if not folder.is_dir():
            return dg.SkipReason(f"MOVIEREC_SOURCE={settings.source} is not a folder")
        now = compute_files_fingerprint(folder)
        used, _, seen = (context.cursor or f"{now} {now}").partition(" ")
        if now == used or now != seen:  # files that change between two looks may still be copied
            reason = "nothing has changed" if now == used else "files have changed; waiting until they stay the same"
            return dg.SensorResult(skip_reason=reason, cursor=f"{used} {now}")
        if active := describe_active_run(context.instance, everything_job.name):
            return dg.SkipReason(f"files have changed, but {active}")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"source {now}", partition_key=settings.sample)], cursor=f"{now} {now}"
        )

    return source_changed


def compute_files_fingerprint(folder: Path) -> str:
    """16 hexadecimal digits that change with the name, size or time of change of any CSV file in the folder."""
    stats = [(file.name, file.stat()) for file in sorted(folder.glob("*.csv"))]
    text = "".join(f"{name} {stat.st_size} {stat.st_mtime_ns}\n" for name, stat in stats)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def build_failure_sensor(settings: Settings, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Logs each run of the daemon that fails, and tells MOVIEREC_ALERT_WEBHOOK about it, if that is set."""

    @dg.run_failure_sensor(
        name="alert_on_failure",
        default_status=status,
        description="Logs failed runs and posts them to MOVIEREC_ALERT_WEBHOOK.",
    )
    def alert_on_failure(context: dg.RunFailureSensorContext) -> None:
        alert = build_alert(context, settings)
        context.log.error(f"{alert['text']}: {', '.join(alert['steps']) or 'no step failed'}")
        if settings.alert_webhook:
            send_alert(settings.alert_webhook.get_secret_value(), alert)

    return alert_on_failure


def build_alert(context: dg.RunFailureSensorContext, settings: Settings) -> dict[str, Any]:
    """What is sent about a failed run: names and classes, never a message, which may quote data or an address.

    `text` is the whole in one sentence, as chat services want it; at most N_NAMED_STEPS steps are named.
    """
    run, failures = context.dagster_run, context.get_step_failure_events()[:N_NAMED_STEPS]
    errors = {str(event.step_key): event.step_failure_data.error for event in failures}
    causes = {step: error.cause or error for step, error in errors.items() if error}
    return {
        "text": f"movierec: run {run.run_id} of {run.job_name} failed",
        "run_id": run.run_id,
        "job": run.job_name,
        "partition": run.tags.get("dagster/partition"),
        "steps": [f"{step} ({cause.cls_name})" for step, cause in causes.items()],
        "will_retry": run.tags.get("dagster/will_retry") == "true",
        "url": f"{settings.dagster_address}/runs/{run.run_id}",
    }


def send_alert(webhook: str, alert: dict[str, Any]) -> None:
    """Posts the alert as JSON. Raises AlertError if it is not taken within ALERT_TIMEOUT_SECONDS."""
    try:
        httpx.post(webhook, json=alert, timeout=ALERT_TIMEOUT_SECONDS).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise AlertError(f"the alert was not delivered: the webhook answered {error.response.status_code}") from None
    except httpx.HTTPError as error:
        raise AlertError(f"the alert was not delivered: {type(error).__name__}") from None
