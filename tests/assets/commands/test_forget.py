import subprocess
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from assets.commands import forget
from assets.definitions import build_definitions
from movierec.bundles.versioned_folders import current_version, list_versions
from movierec.settings import ROOT, Settings
from tests.factories import publish_small_bundle, publish_small_companion


@pytest.fixture
def settings(tmp_path, monkeypatch):
    source = tmp_path / "movielens"
    source.mkdir()
    (source / "movies.csv").write_text("movieId,title,genres\n1,A (1999),Drama\n")
    (source / "ratings.csv").write_text("userId,movieId,rating,timestamp\n7,1,4.0,1\n8,1,3.0,2\n")
    (source / "tags.csv").write_text("userId,movieId,tag,timestamp\n7,1,calm,1\n8,1,loud,2\n")
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MOVIEREC_SOURCE", str(source))
    monkeypatch.setenv("DAGSTER_HOME", "")
    return Settings.from_environment()


def make_raw_tables(settings, sample="full"):
    """The first assets of the real graph."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_definitions(settings).resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey(name) for name in ("dataset", "raw_ratings", "raw_tags", "raw_movies")]
        assert job.execute_in_process(instance=instance, partition_key=sample, asset_selection=keys).success


@pytest.fixture
def made(settings):
    """A home with tables, two bundles, a companion, an export, and an artifact of MLflow that has user 7."""
    make_raw_tables(settings)
    for version in ("v1", "v2"):
        publish_small_bundle(settings.home, version=version)
    publish_small_companion(settings.home)
    recommendations = settings.layout.exports / "full" / "recommendations.parquet"
    recommendations.parent.mkdir(parents=True)
    pl.DataFrame({"user_id": [7, 8], "movie_id": [1, 1]}).write_parquet(recommendations)
    model = settings.layout.locate_tables("full") / "ease"
    for version in ("20260101", "20260102"):
        (model / version / "interactions").mkdir(parents=True)
        np.save(model / version / "interactions" / "user_ids.npy", np.array([7 if version == "20260101" else 8]))
    (model / "CURRENT").write_text("20260102")
    of_no_asset = settings.layout.locate_tables("full") / "removed_model" / "20260101" / "interactions"
    of_no_asset.mkdir(parents=True)
    np.save(of_no_asset / "user_ids.npy", np.array([7]))
    (of_no_asset.parents[1] / "CURRENT").write_text("20260101")
    artifact = settings.layout.mlflow / "artifacts" / "run" / "user_ids.npy"
    artifact.parent.mkdir(parents=True)
    np.save(artifact, np.array([7, 8]))
    return settings


def republish(settings, sample):
    """What the graph does, as far as this home has it: the raw tables, and a bundle without user 7."""
    make_raw_tables(settings, sample)
    folder = publish_small_bundle(settings.home, version="v3")
    for ids in (folder or current_version(settings.layout.locate_bundles(sample))).rglob("user_ids.npy"):
        np.save(ids, np.load(ids) + 1000)
    return 0


def test_a_user_goes_from_tables_bundles_exports_and_artifacts(made, monkeypatch, capsys):
    layout = made.layout
    assert len(list(forget.iter_files_of_user(made.home, 7))) >= 4
    monkeypatch.setattr(forget, "materialise_assets", republish)
    assert forget.main(["7"]) == 0
    said = capsys.readouterr().out
    assert "Forgotten." in said
    assert f"no longer reads: {Path(made.source) / 'ratings.csv'}" in said
    assert pl.read_parquet(layout.locate_tables("full") / "raw_ratings.parquet")["user_id"].to_list() == [8]
    assert pl.read_parquet(layout.locate_tables("full") / "raw_tags.parquet")["user_id"].to_list() == [8]
    assert [folder.name for folder in list_versions(layout.locate_bundles("full"))] == ["v3"]
    assert [folder.name for folder in list_versions(layout.locate_tables("full") / "ease")] == ["20260102"]
    assert pl.read_parquet(layout.exports / "full" / "recommendations.parquet")["user_id"].to_list() == [8]
    assert [path for folder in forget.list_made_folders(layout) for path in forget.iter_files_of_user(folder, 7)] == []


def test_a_bundle_that_is_still_served_is_named_as_left(made, monkeypatch, capsys):
    """The new one may be refused by the gate; then the old one stays, and the command says so."""
    monkeypatch.setattr(forget, "materialise_assets", lambda settings, sample: 0)
    user_id = int(np.load(next(current_version(made.layout.locate_bundles("full")).rglob("user_ids.npy")))[0])
    assert forget.main([str(user_id)]) == 1
    said = capsys.readouterr().out
    assert "left: " in said
    assert "v2" in said
    assert "Forgotten." not in said


def test_make_forget_does_not_take_the_user_of_the_shell():
    done = subprocess.run(
        ["make", "--silent", "-o", "setup", "forget"], cwd=ROOT, env={"USER": "root", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "make forget USER=anna, or USER=ml:123" in done.stderr


@pytest.mark.parametrize(
    ("who", "command"),
    [("ml:123", '-m assets.commands.forget "123"'), ("anna", '-m serving.upkeep.forget "anna"')],
)
def test_make_forget_tells_people_of_the_site_from_users_of_the_data(who, command):
    done = subprocess.run(
        ["make", "--dry-run", "-o", "setup", "forget", f"USER={who}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert command in done.stdout
