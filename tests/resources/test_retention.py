import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from movierec.home_layout import HomeLayout
from resources import retention
from resources.mlflow_tracking import MlflowTracking, build_store_uri

parts = dg.StaticPartitionsDefinition(["1pct", "full"])


@dg.asset(partitions_def=parts)
def table():
    """An asset whose runs are looked at."""
    print("something")


@dg.asset
def failing():
    raise ValueError


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as own:
        yield own


def run(instance, asset=table, partition="full"):
    key = partition if asset is table else None
    return dg.materialize([asset], instance=instance, partition_key=key, raise_on_error=False).run_id


def delete(instance):
    return retention.delete_old_runs(instance, before=datetime.now(UTC) + timedelta(minutes=1))


def list_runs(instance):
    return {each.run_id for each in instance.get_runs()}


def test_the_run_of_the_latest_materialisation_of_each_partition_stays(instance):
    first, small, second = run(instance), run(instance, partition="1pct"), run(instance)
    assert delete(instance).n == 1
    assert list_runs(instance) == {small, second}
    assert first not in list_runs(instance)
    for partition, run_id in (("full", second), ("1pct", small)):
        wanted = dg.AssetRecordsFilter(asset_key=table.key, asset_partitions=[partition])
        assert instance.fetch_materializations(wanted, limit=9).records[0].run_id == run_id


def test_nothing_of_a_deleted_run_is_left_on_disk(instance, tmp_path):
    old, new = run(instance), run(instance)
    assert [path for path in tmp_path.rglob("*") if old in path.name]
    assert delete(instance).bytes > 0
    assert [path for path in tmp_path.rglob("*") if old in path.name] == []
    assert [path for path in tmp_path.rglob("*") if new in path.name]


def test_a_failed_run_goes_when_it_is_old_and_stays_until_then(instance):
    failed = run(instance, failing)
    assert retention.delete_old_runs(instance, before=datetime.now(UTC) - timedelta(days=1)).n == 0
    assert list_runs(instance) == {failed}
    assert delete(instance).n == 1
    assert list_runs(instance) == set()


def test_a_run_that_is_not_finished_stays(instance):
    run_id = instance.create_run_for_job(dg.GraphDefinition("empty").to_job()).run_id
    assert delete(instance).n == 0
    assert list_runs(instance) == {run_id}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_fits_that_are_old_go_with_their_files_and_those_in_use_stay(tmp_path):
    from mlflow import MlflowClient

    layout = HomeLayout(tmp_path)
    layout.mlflow.mkdir()
    client = MlflowClient(build_store_uri(layout.mlflow))
    experiment = client.create_experiment("fits", artifact_location=(layout.mlflow / "artifacts").as_uri())
    tracking = MlflowTracking(folder=str(layout.mlflow), dagster_url="")

    def fit(asset, bundle=None):
        run_id = client.create_run(experiment, tags={"asset": asset, "sample": "full"}).info.run_id
        client.log_text(run_id, "model", "model.txt")
        if bundle:
            tracking.set_challenger("full", run_id, bundle)
        time.sleep(0.002)  # MLflow orders runs by the millisecond
        return run_id

    of_bundle, of_lost_bundle, old, latest = fit("ials", "v1"), fit("ials", "v0"), fit("ials"), fit("ials")
    challenger = fit("ranker", "v2")
    (layout.locate_bundles("full") / "v1").mkdir(parents=True)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    deleted = retention.delete_old_fits(tracking, layout, before=soon)
    assert deleted.n == 2
    assert {each.info.run_id for each in client.search_runs([experiment])} == {of_bundle, latest, challenger}
    files = {path.parts[-3] for path in layout.mlflow.rglob("model.txt")}
    assert files == {of_bundle, latest, challenger}
    assert not {of_lost_bundle, old} & files
    assert {version.tags["bundle"] for version in client.search_model_versions("")} == {"v1", "v2"}
    assert retention.delete_old_fits(tracking, layout, before=soon).n == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_pruning_a_copied_home_leaves_the_files_of_the_original(tmp_path):
    from mlflow import MlflowClient

    layout = HomeLayout(tmp_path / "copy")
    layout.mlflow.mkdir(parents=True)
    client = MlflowClient(build_store_uri(layout.mlflow))
    experiment = client.create_experiment("fits", artifact_location=(tmp_path / "original").as_uri())
    for _ in range(2):
        client.log_text(client.create_run(experiment, tags={"asset": "ials"}).info.run_id, "model", "model.txt")
    marked = client.create_run(experiment, tags={"asset": "ials"}).info.run_id
    client.log_text(marked, "model", "model.txt")
    client.delete_run(marked)
    tracking = MlflowTracking(folder=str(layout.mlflow), dagster_url="")
    assert retention.delete_old_fits(tracking, layout, before=datetime.now(UTC) + timedelta(minutes=1)).n == 0
    assert len(list((tmp_path / "original").rglob("model.txt"))) == 3


def test_leftovers_of_killed_writers_go_after_a_day(tmp_path):
    layout = HomeLayout(tmp_path)
    old, fresh = (layout.locate_bundles("full") / f".v{i}.{i}.part" for i in (1, 2))
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "file").write_text("12345")
    table_part = layout.locate_tables("full") / ".ratings.parquet.7.part"
    table_part.parent.mkdir(parents=True)
    table_part.write_text("123")
    long_ago = time.time() - 25 * 3600
    for path in (old, table_part):
        os.utime(path, (long_ago, long_ago))
    assert retention.delete_leftovers(layout) == retention.Deleted(2, 8)
    assert fresh.exists()
    assert not old.exists()
    assert not table_part.exists()


def test_folders_that_are_not_there_yet_are_no_fault(tmp_path):
    layout = HomeLayout(Path(tmp_path, "nothing"))
    assert retention.delete_leftovers(layout) == retention.Deleted(0, 0)
    assert retention.delete_old_fits(MlflowTracking(folder="", dagster_url=""), layout, before=datetime.now(UTC)).n == 0
