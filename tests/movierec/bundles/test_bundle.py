import json
import os
import shutil
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from movierec.bundles import versioned_folders
from movierec.bundles.atomic_write import atomic_write
from movierec.bundles.bundle import (
    BUNDLE_FORMAT,
    Bundle,
    BundleError,
    LiveBundle,
    current_version,
    publish_bundle,
    roll_back_bundle,
    set_current,
)
from tests import factories


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return factories.publish_small_bundle(tmp_path_factory.mktemp("made"))


@pytest.fixture
def home(made, tmp_path):
    """A home of its own for each test, with the same bundle in it."""
    copy = tmp_path / "published" / "full"
    shutil.copytree(made.parent, copy)
    return copy


def another(home, version):
    shutil.copytree(home / "v1", home / version)
    return home / version


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_a_bundle_holds_all_the_site_needs(made):
    bundle = Bundle.open(made)
    assert len(bundle.catalogue.movies) == 42
    assert bundle.recommender.recommend_for_user(1, n=3).model == "two_stage"
    assert bundle.similar.find_similar_movies(1, n=3).model == "als_cosine"
    assert bundle.manifest["run_id"] == "0a1b2c3d-run"
    top = json.loads((made / "top100.json").read_text())
    assert [movie["movie_id"] for movie in top] == [
        movie.movie_id for movie in bundle.catalogue.list_popular(limit=100)
    ]
    assert all(movie["popularity"] >= after["popularity"] for movie, after in pairwise(top))


def test_nothing_in_a_bundle_is_a_pickle(made):
    kinds = {path.suffix for path in made.rglob("*") if path.is_file()}
    assert kinds == {".json", ".parquet", ".npy", ".cbm", ".csv"}


def test_atomic_leaves_the_old_or_the_new_and_never_a_half(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(target) as part:
        part.write_text("half of the n")
        raise RuntimeError("killed")
    assert target.read_text() == "old"
    with atomic_write(target) as part:
        part.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert target.read_text() == "new"


def test_a_changed_file_is_noticed(home):
    (home / "v1" / "similar.parquet").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"similar.parquet.* are not what the manifest says"):
        Bundle.open(home / "v1")


def test_another_format_is_refused(home):
    manifest = home / "v1" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {BUNDLE_FORMAT}', '"format": 99'))
    with pytest.raises(
        BundleError, match=f"format 99, this code reads {BUNDLE_FORMAT}: run `make pipeline SAMPLE={home.name}`"
    ):
        Bundle.open(home / "v1")


def test_a_missing_folder_is_a_bundle_error(tmp_path):
    with pytest.raises(BundleError, match="cannot be opened"):
        Bundle.open(tmp_path / "nowhere")


def test_nothing_published_says_what_to_run(tmp_path):
    with pytest.raises(BundleError, match="run `make pipeline SAMPLE=10pct`"):
        LiveBundle(tmp_path / "10pct")()


def test_a_new_bundle_is_served_without_a_restart(home):
    live = LiveBundle(home)
    assert live().version == "v1"
    another(home, "v2")
    set_current(home, "v2")
    until(lambda: live().version == "v2")
    assert live.last_error is None


def test_a_request_keeps_the_bundle_it_began_with(home):
    live = LiveBundle(home)
    mine = live()
    another(home, "v2")
    set_current(home, "v2")
    until(lambda: live().version == "v2")
    shutil.rmtree(home / "v1")
    assert mine.recommender.recommend_for_user(1, n=3).model == "two_stage"


def test_a_broken_new_bundle_leaves_the_old_one_served(home):
    live = LiveBundle(home)
    live()
    (another(home, "v2") / "manifest.json").write_text("{")
    set_current(home, "v2")
    until(lambda: live().version == "v1" and live.last_error)
    assert "v2 cannot be opened" in live.last_error
    another(home, "v3")
    set_current(home, "v3")
    until(lambda: live().version == "v3")
    assert live.last_error is None


def test_a_pointer_to_nowhere_leaves_the_old_one_served(home):
    live = LiveBundle(home)
    live()
    set_current(home, "gone")
    until(lambda: live().version == "v1" and live.last_error)


def remove(folder):
    shutil.rmtree(folder)


def spoil(folder):
    (folder / "similar.parquet").write_bytes(b"x")


def spoil_manifest(folder):
    (folder / "manifest.json").write_text("{")


def write_another_format(folder):
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {BUNDLE_FORMAT}', '"format": 99'))


@pytest.mark.parametrize("harm", [remove, spoil, write_another_format])
def test_at_the_start_the_newest_older_bundle_that_opens_takes_the_place_of_a_broken_one(home, caplog, harm):
    for version in ("v2", "v3", "v4", "v5"):
        another(home, version)
    set_current(home, "v4")
    for version in ("v3", "v4"):
        harm(home / version)
    live = LiveBundle(home)
    assert live().version == "v2"  # v5 is one from which somebody rolled back
    assert str(home / "v4") in live.last_error
    [error] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert str(home / "v4") in error
    assert "Serving v2 instead" in error
    assert f"make pipeline SAMPLE={home.name}" in error
    assert [live().version for _ in range(5)] == ["v2"] * 5
    another(home, "v6")
    set_current(home, "v6")
    until(lambda: live().version == "v6")
    assert live.last_error is None


@pytest.mark.parametrize("pointer", [b"", b"../elsewhere", b"\xff\xfe", b"gone"])
def test_at_the_start_a_pointer_to_nothing_is_answered_from_the_newest_bundle(home, pointer):
    another(home, "v2")
    (home / "CURRENT").write_bytes(pointer)
    live = LiveBundle(home)
    assert live().version == "v2"
    assert live.last_error


def test_at_the_start_a_newer_bundle_is_served_where_no_older_one_opens(home):
    another(home, "v2")
    remove(home / "v1")
    assert LiveBundle(home)().version == "v2"


def test_where_no_bundle_opens_the_fault_of_the_published_one_is_told_once(home, caplog):
    spoil(another(home, "v2"))
    spoil(home / "v1")
    live = LiveBundle(home)
    for _ in range(3):
        with pytest.raises(BundleError, match=r"v1: .* are not what the manifest says"):
            live()
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


def test_no_request_waits_for_a_new_bundle_to_open(home, monkeypatch):
    live = LiveBundle(home)
    live()
    gate = threading.Event()
    monkeypatch.setattr(live, "open_version", lambda folder: gate.wait(5) and Bundle.open(folder))
    another(home, "v2")
    set_current(home, "v2")
    started = time.monotonic()
    assert [live().version for _ in range(50)] == ["v1"] * 50
    assert time.monotonic() - started < 1
    gate.set()
    until(lambda: live().version == "v2")


def test_publishing_keeps_the_last_bundles_and_the_one_that_is_served(home):
    for version in ("v2", "v3", "v4"):
        another(home, version)
    set_current(home, "v1")
    versioned_folders.delete_old_versions(home)
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == ["v1", "v2", "v3", "v4"]
    set_current(home, "v4")
    versioned_folders.delete_old_versions(home)
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == ["v2", "v3", "v4"]
    assert current_version(home) == home / "v4"


def test_as_many_versions_stay_as_are_asked_for(tmp_path):
    for version in ("v1", "v2", "v3", "v4"):
        versioned_folders.publish_version(
            tmp_path,
            version,
            write=lambda folder: (folder / "file").write_text("1"),
            open_version=Path.stat,
            manifest={},
            kept=2,
        )
    assert [path.name for path in versioned_folders.list_versions(tmp_path)] == ["v3", "v4"]


def test_a_bundle_that_cannot_be_opened_is_not_published(home, monkeypatch):
    bundle = Bundle.open(home / "v1")
    monkeypatch.setattr(
        type(bundle.similar), "save", lambda self, folder: (folder / "similar.parquet").write_text("no")
    )
    table = factories.pl.read_parquet(home / "v1" / "catalogue.parquet")
    with pytest.raises(BundleError):
        publish_bundle(
            home,
            "v2",
            catalogue=table,
            recommender=bundle.recommender,
            similar=bundle.similar,
            scores=table,
            trending=[1],
            manifest={},
        )
    assert current_version(home) == home / "v1"
    assert not (home / "v2").exists()


def publish_again(home, version):
    """A copy of the first bundle, published by way of `publish_version`."""
    manifest = json.loads((home / "v1" / "manifest.json").read_text())
    files = manifest.pop("files")

    def write(folder):
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(home / "v1" / name, folder / name)

    content = {name: value for name, value in manifest.items() if name not in ("version", "replaces")}
    versioned_folders.publish_version(home, version, write=write, open_version=Bundle.open, manifest=content)


def test_rollback_serves_the_bundle_before(home):
    publish_again(home, "v2")
    publish_again(home, "v3")
    assert roll_back_bundle(home) == "v2"
    assert roll_back_bundle(home) == "v1"
    with pytest.raises(BundleError, match=r"nothing was served under .* before"):
        roll_back_bundle(home)
    assert current_version(home) == home / "v1"


def test_rollback_does_not_return_to_what_was_rolled_back(home):
    publish_again(home, "v2")
    assert roll_back_bundle(home) == "v1"
    publish_again(home, "v3")
    assert roll_back_bundle(home) == "v1"


def test_what_the_served_bundle_replaced_stays_on_disk_however_old(home):
    for version in ("v2", "v3"):
        publish_again(home, version)
    set_current(home, "v1")
    publish_again(home, "v4")
    assert sorted(path.name for path in versioned_folders.list_versions(home)) == ["v1", "v2", "v3", "v4"]
    assert roll_back_bundle(home) == "v1"


def test_nothing_is_rolled_back_to_a_broken_bundle(home):
    publish_again(home, "v2")
    (home / "v1" / "similar.parquet").write_bytes(b"x")
    with pytest.raises(BundleError):
        roll_back_bundle(home)
    assert current_version(home) == home / "v2"


@pytest.mark.parametrize("harm", [remove, lambda folder: (folder / "manifest.json").unlink(), spoil_manifest])
def test_rollback_does_not_need_the_manifest_of_the_served_bundle(home, harm):
    for version in ("v2", "v3"):
        publish_again(home, version)
    harm(home / "v3")
    spoil(home / "v2")
    assert roll_back_bundle(home) == "v1"
    assert current_version(home) == home / "v1"


def test_rollback_opens_each_bundle_once(home, monkeypatch):
    for version in ("v2", "v3"):
        publish_again(home, version)
    spoil_manifest(home / "v3")
    spoil(home / "v2")
    open_bundle, opened = Bundle.open, []
    monkeypatch.setattr(Bundle, "open", lambda folder: opened.append(folder.name) or open_bundle(folder))
    assert roll_back_bundle(home) == "v1"
    assert opened == ["v2", "v1"]


def test_at_the_start_without_a_pointer_the_newest_bundle_that_opens_is_served(home, caplog):
    another(home, "v2")
    spoil(another(home, "v3"))
    (home / "CURRENT").unlink()
    live = LiveBundle(home)
    assert live().version == "v2"
    assert "nothing is published under" in live.find_fault()
    assert "Serving v2 instead" in caplog.text
    publish_again(home, "v4")
    until(lambda: live().version == "v4")
    assert live.find_fault() is None


def test_a_lost_pointer_and_a_lost_folder_are_faults_while_the_bundle_is_served_on(home):
    live = LiveBundle(home)
    assert live().version == "v1"
    assert live.find_fault() is None
    (home / "CURRENT").rename(home / "kept")
    until(lambda: live().version == "v1" and live.find_fault())
    assert "nothing is published under" in live.find_fault()
    (home / "kept").rename(home / "CURRENT")
    until(lambda: live().version == "v1" and live.find_fault() is None)
    shutil.rmtree(home / "v1")
    assert live().version == "v1"
    assert "v1, which is served, is gone" in live.find_fault()
    assert live().recommender.recommend_for_user(1, n=3).model == "two_stage"


def overwrite(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    with file.open("r+b") as opened:  # the same file, of the same size
        opened.write(content)


@pytest.mark.parametrize("harm", [overwrite, lambda file: file.unlink(), lambda file: os.truncate(file, 3)])
def test_a_file_of_the_served_bundle_that_is_changed_in_place_is_a_fault(home, harm):
    live = LiveBundle(home)
    live()
    harm(home / "v1" / "catalogue.parquet")
    assert "catalogue.parquet" in live.find_fault()


def test_what_the_system_refuses_is_not_tried_at_every_request(home, monkeypatch):
    live = LiveBundle(home)
    live()
    tried = []

    def refuse(folder):
        tried.append(folder)
        raise PermissionError

    monkeypatch.setattr(live, "open_version", refuse)
    set_current(home, "v2")
    until(lambda: live() and live.last_error is not None)
    for _ in range(100):
        live()
    time.sleep(0.2)
    assert len(tried) == 1
