"""Which bundle is served: none yet, a first one, a new one, a broken one."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from movierec.bundles.bundle import set_current
from movierec.settings import Settings
from serving.app import create_app, from_environment
from tests.factories import publish_small_bundle, publish_small_companion, publish_small_home
from tests.serving.conftest import Browser, open_browser, wait_until_true


def test_without_a_bundle_pages_say_what_to_run(tmp_path: Path) -> None:
    browser = open_browser(tmp_path)
    for path in ("/", "/movies", "/movies/1", "/posters/1"):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert "make pipeline" in answer.text
        assert "<html" in answer.text


def test_without_a_bundle_the_api_answers_503_in_json(tmp_path: Path) -> None:
    answer = open_browser(tmp_path).get("/api/movies/popular")
    assert answer.status_code == 503
    assert "make pipeline" in answer.json()["detail"]


def test_without_a_bundle_health_is_empty_and_static_files_are_there(tmp_path: Path) -> None:
    browser = open_browser(tmp_path)
    answer = browser.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "empty")
    assert browser.get("/static/site.css").status_code == 200


def test_health_tells_of_clusters_of_another_data_set(tmp_path: Path) -> None:
    publish_small_bundle(tmp_path, source={"name": "demo", "version": "2"})
    publish_small_companion(tmp_path, source={"name": "demo", "version": "1"})
    assert open_browser(tmp_path).get("/health").json()["status"] == "ok"
    publish_small_companion(tmp_path, "c2", source={"name": "anime", "version": "1"})
    answer = open_browser(tmp_path).get("/health").json()
    assert (answer["status"], answer["companion"]) == ("stale", "c2")
    assert "the bundle was made from demo, the clusters from anime" in answer["fault"]


def test_the_first_bundle_is_picked_up_without_a_restart(tmp_path: Path) -> None:
    browser = open_browser(tmp_path)
    assert browser.get("/").status_code == 503
    publish_small_bundle(tmp_path)
    assert browser.get("/").status_code == 200


def version(browser: Browser) -> str:
    return str(browser.get("/health").json()["version"])


def test_what_is_at_hand_is_given_without_a_thread(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.get("/recommend?movie_id=1").json()["cluster"] == 0
    asked: list[str] = []
    run_sync = to_thread.run_sync

    async def counted(function: Any, *given: Any, **options: Any) -> Any:
        asked.append(function)
        return await run_sync(function, *given, **options)

    monkeypatch.setattr(to_thread, "run_sync", counted)
    assert browser.get("/recommend?movie_id=1").json()["cluster"] == 0
    assert len(asked) == 2, "the function that answers and the check of its answer, nothing that it is given"


def test_a_new_bundle_is_served_without_a_restart(tmp_path: Path) -> None:
    publish_small_bundle(tmp_path, "v1")
    browser = open_browser(tmp_path)
    assert "Movie 5<" in browser.get("/movies/5").text
    publish_small_bundle(tmp_path, "v2", titles={5: "Renamed"})
    assert wait_until_true(lambda: version(browser) == "v2")
    assert "Renamed" in browser.get("/movies/5").text
    assert ">v2<" in browser.get("/").text


def test_a_broken_bundle_leaves_the_old_one_served_and_health_says_why(tmp_path: Path) -> None:
    publish_small_bundle(tmp_path, "v1")
    browser = open_browser(tmp_path)
    assert version(browser) == "v1"
    set_current(tmp_path / "published" / "full", "v2")
    assert wait_until_true(lambda: browser.get("/health").json()["status"] == "stale")
    health = browser.get("/health")
    assert (health.status_code, health.json()["version"]) == (200, "v1")
    assert "cannot be opened" in health.json()["fault"]
    assert browser.get("/").status_code == 200


def test_a_broken_companion_leaves_the_old_one_served_and_health_says_why(tmp_path: Path) -> None:
    browser = open_browser(publish_small_home(tmp_path))
    assert browser.get("/health").json()["companion"] == "c1"
    set_current(tmp_path / "companion" / "full", "c2")
    assert wait_until_true(lambda: browser.get("/health").json()["status"] == "stale")
    health = browser.get("/health").json()
    assert (health["version"], health["companion"]) == ("v1", "c1")
    assert "companion/full/c2 cannot be opened" in health["fault"]
    assert browser.get("/favorite-cluster?user_id=4").status_code == 200


def test_a_restart_without_the_served_folders_serves_older_ones_and_health_names_the_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish_small_home(tmp_path)
    publish_small_bundle(tmp_path, "v2")
    publish_small_companion(tmp_path, "c2")
    for gone in ("published/full/v2", "companion/full/c2"):
        shutil.rmtree(tmp_path / gone)
    browser = open_browser(tmp_path)
    assert browser.get("/movies/5").status_code == 200
    assert browser.get("/favorite-cluster?user_id=4").status_code == 200
    health = browser.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "stale")
    assert (health.json()["version"], health.json()["companion"]) == ("v1", "c1")
    for gone, instead in (("published/full/v2", "v1"), ("companion/full/c2", "c1")):
        assert f"{gone} cannot be opened" in health.json()["fault"]
        assert f"Serving {instead} instead" in caplog.text
    publish_small_bundle(tmp_path, "v3")
    publish_small_companion(tmp_path, "c3")
    assert wait_until_true(lambda: browser.get("/health").json()["status"] == "ok")


def other_format(home: Path) -> str:
    manifest = publish_small_companion(home) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    return "c1 has format 99, this code reads 1"


def spoilt(home: Path) -> str:
    (publish_small_companion(home) / "clusters" / "words.parquet").write_bytes(b"")
    return "words.parquet'] are not what the manifest says"


def none_at_all(home: Path) -> str:
    return "nothing is published under <home>/companion/full"


@pytest.mark.parametrize("fault", [other_format, spoilt, none_at_all])
def test_what_is_wrong_with_the_companion_is_told_by_health_and_by_what_needs_it(
    tmp_path: Path, fault: Callable[[Path], str]
) -> None:
    publish_small_bundle(tmp_path)
    reason = fault(tmp_path)
    browser = open_browser(tmp_path)
    answer = browser.get("/favorite-cluster?user_id=4")
    assert answer.status_code == 503
    assert reason in answer.json()["detail"]
    health = browser.get("/health")
    assert (health.status_code, health.json()["status"], health.json()["companion"]) == (200, "stale", None)
    assert reason in health.json()["fault"]


def test_the_advice_names_the_sample(tmp_path: Path) -> None:
    publish_small_bundle(tmp_path / "one")
    (tmp_path / "published").mkdir()
    (tmp_path / "one" / "published" / "full").rename(tmp_path / "published" / "10pct")
    browser = Browser(create_app(Settings(home=tmp_path, sample="10pct")))
    assert "`make clusters SAMPLE=10pct`" in browser.get("/favorite-cluster?user_id=4").json()["detail"]
    nothing = Browser(create_app(Settings(home=tmp_path, sample="1pct")))
    assert "`make pipeline SAMPLE=1pct`" in nothing.get("/top").json()["detail"]


def test_health_names_version_run_source_and_age(browser: Browser) -> None:
    health = browser.get("/health").json()
    assert (health["status"], health["version"], health["run_id"]) == ("ok", "v1", "0a1b2c3d-run")
    assert health["source"]["name"] == "checkerboard"
    assert 0 <= health["age_seconds"] < 3600
    assert datetime.fromisoformat(health["published_at"]).tzinfo
    assert health["fault"] is None


def test_a_manifest_that_says_nothing_still_makes_pages(tmp_path: Path) -> None:
    publish_small_bundle(tmp_path, run_id=None, published_at="soon", source=None, metrics=[{"metric": "ndcg_at_10"}])
    browser = open_browser(tmp_path)
    assert browser.get("/").status_code == 200
    assert browser.get("/health").json()["age_seconds"] is None


def test_the_environment_says_what_is_served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVIEREC_HOME", str(home))
    monkeypatch.setenv("MOVIEREC_SAMPLE", "full")
    assert Browser(from_environment()).get("/health", Host="localhost").status_code == 200
    monkeypatch.setenv("MOVIEREC_SAMPLE", "1pct")
    assert Browser(from_environment()).get("/health", Host="localhost").status_code == 503


def test_without_its_script_the_site_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="make setup"):
        create_app(Settings(home=tmp_path), htmx=tmp_path / "htmx.min.js")
