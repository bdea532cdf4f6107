import io
import logging
import signal
import subprocess
import sys

import dagster as dg
import pytest

from assets.commands import pipeline
from movierec.settings import Settings
from resources import dagster_instance
from resources.progress_logger import ProgressHandler
from tests import factories


@pytest.fixture
def settings(tmp_path, monkeypatch):
    source = tmp_path / "movielens"
    source.mkdir()
    (source / "movies.csv").write_text("movieId,title,genres\n1,A (1999),Drama\n")
    (source / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,9.0,1\n")
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MOVIEREC_SOURCE", str(source))
    monkeypatch.setenv("DAGSTER_HOME", "")
    return Settings.from_environment()


FIRST = "key:dataset+1"  # the first assets, where a test is of what is said of a run and not of what runs


def published(settings, version):
    """A bundle and its companion in the settings' home that say they were made from the given data."""
    source = {"name": "movielens", "description": "made up", "version": version}
    factories.publish_small_bundle(settings.home, source=source, sample="full")
    factories.publish_small_companion(settings.home, source=source)


def test_an_up_to_date_bundle_is_not_made_again(settings, capsys):
    from resources.sources.sources import acquire_dataset

    published(settings, acquire_dataset(settings.source, settings.layout.raw).version)
    assert pipeline.main(["--if-needed"]) == 0
    assert capsys.readouterr().out.startswith("Up to date: bundle v1 (movielens, sample full)")


def test_a_run_that_failed_after_it_had_published_leaves_the_new_bundle_served(settings, capsys, monkeypatch):
    def failed_late(settings, *_, **__):
        published(settings, "of this data")
        return pipeline.EXIT_FAILED

    monkeypatch.setattr(pipeline, "materialise_assets", failed_late)
    assert pipeline.main(["--if-needed"]) == 0
    assert "Serving all the same: bundle v1" in capsys.readouterr().out


def test_changed_data_is_tried_and_a_rejected_one_leaves_the_old_bundle_served(settings, capsys):
    published(settings, "of older data")
    assert pipeline.main(["--if-needed"]) == 0
    out = capsys.readouterr().out
    assert "raw_ratings failed: " in out
    assert "ratings.csv" in out
    assert "9.0" in out
    assert "Serving what was published before: bundle v1" in out


def test_without_a_bundle_a_rejected_input_is_a_failure(settings, capsys, monkeypatch):
    monkeypatch.setattr(pipeline, "SERVED_SELECTION", FIRST)
    assert pipeline.main(["--if-needed"]) == pipeline.EXIT_FAILED
    assert "nothing that was published before has changed" in capsys.readouterr().err


def test_a_wrong_setting_is_said_in_one_line(settings, monkeypatch, capsys):
    monkeypatch.setenv("MOVIEREC_WEB_PORT", "x")
    assert pipeline.main([]) == pipeline.EXIT_WRONG_SETTING
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unknown_source_names_the_choices(settings, monkeypatch, capsys):
    monkeypatch.setenv("MOVIEREC_SOURCE", "ml-33m")
    assert pipeline.main(["--select", FIRST]) == pipeline.EXIT_FAILED
    out = capsys.readouterr().out
    assert "dataset failed" in out
    assert "ml-32m" in out


def test_a_failure_is_told_by_the_assets_own_error_and_not_by_what_led_to_it(settings, monkeypatch, capsys):
    from resources.sources import resource
    from resources.sources.dataset import SourceError

    def no_network(*_):
        raise SourceError("fetch it by hand") from OSError("Name or service not known")

    monkeypatch.setattr(resource, "acquire_remaining_dataset", no_network)
    assert pipeline.main(["--select", FIRST]) == pipeline.EXIT_FAILED
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "dataset failed: fetch it by hand"
    assert "Name or service" not in out


def test_a_run_that_published_before_it_failed_says_so(settings, monkeypatch, capsys):
    from resources.sources import resource
    from resources.sources.dataset import SourceError

    def published_and_failed(*_):
        published(settings, "of new data")
        factories.publish_small_companion(settings.home)
        raise SourceError("too late")

    monkeypatch.setattr(resource, "acquire_remaining_dataset", published_and_failed)
    assert pipeline.main(["--select", FIRST]) == pipeline.EXIT_FAILED
    assert capsys.readouterr().err.endswith("failed; published all the same: bundle v1, companion c1.\n")


def event(kind, step="ials"):
    return {
        "dagster_event": type(
            "Event",
            (),
            {f"is_step_{each}": each == kind for each in ("start", "success", "failure")} | {"step_key": step},
        )
    }


def record(meta):
    made = logging.makeLogRecord({"levelno": logging.INFO})
    made.dagster_meta = meta
    return made


def test_progress_says_which_step_how_far_and_what_it_says():
    out = io.StringIO()
    progress = ProgressHandler(12, out)
    progress.emit(record(event("start", "dataset")))
    progress.emit(record(event("success")))
    progress.emit(record(event("start")))
    progress.emit(record({"dagster_event": None, "orig_message": "iteration 3 of 15"}))
    progress.emit(record(event("success")))
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["[", "1/12]", "dataset", "0.0", "s"]
    assert lines[1].split() == ["[", "2/12]", "ials"]
    assert "iteration 3 of 15" in lines[2]
    assert lines[3].split() == ["done", "0.0", "s"]


@pytest.mark.parametrize("broken", ["manifest.json", "catalogue.parquet"])
def test_a_broken_bundle_is_made_anew(settings, capsys, monkeypatch, broken):
    from resources.sources.sources import acquire_dataset

    monkeypatch.setattr(pipeline, "SERVED_SELECTION", FIRST)
    published(settings, acquire_dataset(settings.source, settings.layout.raw).version)
    (settings.layout.locate_bundles("full") / "v1" / broken).write_text("{")
    assert (
        pipeline.main(["--if-needed"]) == pipeline.EXIT_FAILED
    )  # the ratings are wrong, and there is nothing to serve
    assert "publishing anew" in capsys.readouterr().out


def test_unlock_ends_killed_runs_and_frees_their_slots(settings, capsys):
    dagster_instance.prepare_dagster_home(settings)
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(
            dg.GraphDefinition("killed").to_job(),
            tags={dagster_instance.LOCK_TAG: "gone"},
            status=dg.DagsterRunStatus.STARTED,
        )
        instance.event_log_storage.set_concurrency_slots("training", 1)
        assert instance.event_log_storage.claim_concurrency_slot("training", run.run_id, "fit").is_claimed
        assert pipeline.main(["--unlock"]) == 0
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
        assert instance.event_log_storage.get_concurrency_info("training").claimed_slots == []
    assert f"Killed runs, marked as failed: {run.run_id}." in capsys.readouterr().out


def test_an_asset_without_partitions_runs_from_the_command_line(settings, capsys):
    assert pipeline.main(["--sample", "1pct", "--select", "group:maintenance"]) == 0
    assert "leftovers: 0 deleted" in capsys.readouterr().out


@pytest.mark.parametrize("selection", ["key:(", "key:nosuch"])
def test_a_wrong_selection_is_said_in_one_line(settings, capsys, selection):
    assert pipeline.main(["--select", selection]) == pipeline.EXIT_WRONG_SETTING
    assert f"SELECT={selection}" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_no_failure_and_nothing_is_served_instead(settings, stop):
    """Stopped while it waits for the data, with an older bundle there."""
    published(settings, "of older data")
    script = (
        "import sys, time; from assets.commands import pipeline; from resources.sources import resource\n"
        "resource.acquire_remaining_dataset = lambda *_: (print('waiting', flush=True), time.sleep(30))\n"
        f"pipeline.SERVED_SELECTION = {FIRST!r}\n"
        "sys.exit(pipeline.main(['--if-needed']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said = ""
    while "waiting" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    process.send_signal(stop)
    rest = process.communicate(timeout=30)[0]
    assert process.returncode == pipeline.EXIT_STOPPED, rest
    assert "Stopped in dataset" in rest
    assert "Serving" not in rest
