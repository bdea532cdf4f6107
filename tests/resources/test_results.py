"""What `make results` takes into docs/, and what it refuses; nothing here is written into docs/."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from movierec.published import point_at
from movierec.report import SHOWN
from resources import results
from resources.sources import acquire

INTERVAL = {"value": 0.25, "low": 0.2, "high": 0.3, "n": 40}
Publish = Callable[..., Path]


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of its own with a README.md whose table is empty."""
    root = tmp_path / "root"
    (root / "docs" / "results").mkdir(parents=True)
    (root / "README.md").write_text(f"before {results.BEGIN}\nno table\n{results.END} after")
    monkeypatch.setattr("resources.results.ROOT", root)
    monkeypatch.setattr("resources.results.MEASURED", root / "docs" / "results")
    monkeypatch.setattr("resources.results.PAGE", root / "docs" / "results.md")
    monkeypatch.setattr("resources.results.README", root / "README.md")
    return root


@pytest.fixture
def publish(docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Publishes a manifest as the full sample; gives the folder of the sample."""
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path / "home"))

    def put(name: str = "demo", description: str = "MovieLens demo of the dslabs package.", **more: Any) -> Path:
        manifest = {
            "source": {"name": name, "description": description, "version": "0a1b"},
            "sample": "full",
            "split": "by user",
            "metrics": [{"model": name, "metric": metric, **INTERVAL} for metric in SHOWN],
            "comparison": [{"model": name, "base": "popularity", **INTERVAL}],
        }
        home = tmp_path / "home" / "published" / "full"
        (home / "v1").mkdir(parents=True, exist_ok=True)
        (home / "v1" / "manifest.json").write_text(json.dumps(manifest | more))
        point_at(home, "v1")
        return home

    return put


def refused(capsys: pytest.CaptureFixture[str], docs: Path) -> str:
    """The one line that `make results` says while it writes nothing."""
    before = {path: path.read_bytes() for path in docs.rglob("*") if path.is_file()}
    assert results.main([]) == 1
    assert {path: path.read_bytes() for path in docs.rglob("*") if path.is_file()} == before
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_the_demo_goes_into_the_page_and_the_readme(publish: Publish, docs: Path) -> None:
    publish()
    assert results.main([]) == 0
    assert json.loads((docs / "docs/results/demo-full.json").read_text())["source"]["name"] == "demo"
    assert "## demo, sample full" in (docs / "docs/results.md").read_text()
    readme = (docs / "README.md").read_text()
    assert "| demo | 0.2500 [0.2000, 0.3000] |" in readme
    assert readme.startswith("before ")
    assert readme.endswith(" after")


def test_another_source_leaves_the_readme_as_it_is(publish: Publish, docs: Path) -> None:
    before = (docs / "README.md").read_text()
    publish("mine", "MovieLens-format files from the folder mine.")
    assert results.main([]) == 0
    assert (docs / "docs/results/mine-full.json").exists()
    assert (docs / "README.md").read_text() == before


@pytest.mark.parametrize("name", ["demo", "ml-25m"])
def test_a_folder_with_the_name_of_another_kind_of_source_is_refused(
    publish: Publish, docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for table in ("ratings.csv", "movies.csv"):
        (folder / table).touch()
    publish()
    assert results.main([]) == 0
    capsys.readouterr()
    publish(name, acquire(str(folder), tmp_path / "raw").description)
    assert f"a folder called {name}" in refused(capsys, docs)


def test_a_folder_called_demo_never_makes_the_table_of_the_readme(docs: Path) -> None:
    source = {"name": "demo", "description": "MovieLens-format files from the folder demo.", "version": "1"}
    rows = [{"model": "false", "metric": metric, **INTERVAL} for metric in SHOWN]
    measured = {"source": source, "sample": "full", "split": "by user", "evaluation": rows, "comparison": []}
    (docs / "docs/results/demo-full.json").write_text(json.dumps(measured))
    assert results.pages()[docs / "README.md"] == (docs / "README.md").read_text()


def test_before_anything_is_published_the_pipeline_is_named(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path / "home"))
    assert "nothing is published: run `make pipeline SAMPLE=full` first" in refused(capsys, docs)


def test_a_pointer_to_a_missing_bundle_is_one_line(
    publish: Publish, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    point_at(publish(), "v2")
    said = refused(capsys, docs)
    assert "v2/manifest.json" in said
    assert "`make pipeline SAMPLE=full`" in said


@pytest.mark.parametrize("content", [b"", b'{"source": {"na', b"\xff"])
def test_a_torn_manifest_is_one_line(
    publish: Publish, docs: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (publish() / "v1" / "manifest.json").write_bytes(content)
    said = refused(capsys, docs)
    assert "cannot be read" in said
    assert "`make pipeline SAMPLE=full`" in said


def test_a_manifest_without_measurements_is_one_line(
    publish: Publish, docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(comparison=None, metrics=None)
    assert "lacks metrics, comparison" in refused(capsys, docs)
