"""What `make results` takes into docs/, and what it refuses; nothing here is written into docs/."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets.commands import results
from movierec.evaluation.leaderboard import LEADERBOARD
from resources.sources.sources import acquire_dataset

Measure = Callable[..., Path]


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of its own with a README.md whose table is empty."""
    root = tmp_path / "root"
    (root / "docs" / "results").mkdir(parents=True)
    (root / "README.md").write_text(f"before {results.BEGIN_MARK}\nno table\n{results.END_MARK} after")
    monkeypatch.setattr(results, "ROOT", root)
    monkeypatch.setattr(results, "RESULTS_FOLDER", root / "docs" / "results")
    monkeypatch.setattr(results, "PAGE_PATH", root / "docs" / "results.md")
    monkeypatch.setattr(results, "README_PATH", root / "README.md")
    return root


def rows_of(name: str, description: str) -> pl.DataFrame:
    interval = {"value": 0.25, "low": 0.2, "high": 0.3, "n": 40}
    where = {"protocol": "rest_of_sitting", "segment": "known", "model": "two_stage", "cold_start": "users"}
    of_windows = {"protocol": "rolling_clock", "segment": "raters", "model": "ease"}
    rows = [
        {**where, "metric": "ndcg_at_10", **interval, "liked_nothing": 2},
        {**where, "metric": "coverage_at_10", "value": 0.125, "n": 40},
        {**where, "metric": "ndcg_at_5", **interval},
        {**where, "metric": "fit_seconds", "value": 12.34},
        {**where, "metric": "ndcg_at_10", **interval, "base": "popularity"},
        {**of_windows, "metric": "ndcg_at_10", **interval},  # on the page from the tables of the windows
    ]
    source = {"source": name, "description": description, "version": "0a1b"}
    strings = dict.fromkeys(source, pl.String)
    return pl.DataFrame([source | row for row in rows], schema=strings | LEADERBOARD)


@pytest.fixture
def measure(docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Writes the leaderboard of the full sample; gives its path."""
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path / "home"))

    def put(name: str = "demo", description: str = "MovieLens demo of the dslabs package.") -> Path:
        path = tmp_path / "home" / "store" / "full" / "leaderboard.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows_of(name, description).write_parquet(path)
        return path

    return put


def refused(capsys: pytest.CaptureFixture[str], docs: Path) -> str:
    """The one line that `make results` says while it writes nothing."""
    before = {path: path.read_bytes() for path in docs.rglob("*") if path.is_file()}
    assert results.main([]) == 1
    assert {path: path.read_bytes() for path in docs.rglob("*") if path.is_file()} == before
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_the_demo_goes_into_the_page_and_the_readme(measure: Measure, docs: Path) -> None:
    assert "ndcg_at_5" in pl.read_parquet(measure())["metric"].to_list()
    assert results.main([]) == 0
    assert json.loads((docs / "docs/results/demo-full.json").read_text())["source"]["name"] == "demo"
    assert "## demo, sample full" in (docs / "docs/results.md").read_text()
    readme = (docs / "README.md").read_text()
    assert "| two_stage | 0.2500 [0.2000, 0.3000] |" in readme
    page = (docs / "docs/results.md").read_text()
    assert "n = 40; left out, without a relevant movie to find: 2." in page
    assert "| two_stage | 0.2500 [0.2000, 0.3000] | 0.1250 | 12.3 | users |" in page
    assert "| two_stage | popularity | +0.2500 [+0.2000, +0.3000] | 40 |" in page
    assert "ease" not in page
    assert "ndcg_at_5" not in page  # not shown
    assert readme.startswith("before ")
    assert readme.endswith(" after")


def test_another_source_leaves_the_readme_as_it_is(measure: Measure, docs: Path) -> None:
    before = (docs / "README.md").read_text()
    measure("mine", "MovieLens-format files from the folder mine.")
    assert results.main([]) == 0
    assert (docs / "docs/results/mine-full.json").exists()
    assert (docs / "README.md").read_text() == before


@pytest.mark.parametrize("name", ["demo", "ml-25m"])
def test_a_folder_with_the_name_of_another_kind_of_source_is_refused(
    measure: Measure, docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for table in ("ratings.csv", "movies.csv"):
        (folder / table).touch()
    measure()
    assert results.main([]) == 0
    capsys.readouterr()
    measure(name, acquire_dataset(str(folder), tmp_path / "raw").description)
    assert f"a folder called {name}" in refused(capsys, docs)


def test_a_folder_called_demo_never_makes_the_table_of_the_readme(docs: Path) -> None:
    source = {"name": "demo", "description": "MovieLens-format files from the folder demo.", "version": "1"}
    measured = results.build_results(rows_of("demo", source["description"]), sample="full")
    (docs / "docs/results/demo-full.json").write_text(json.dumps(measured))
    assert results.render_pages()[docs / "README.md"] == (docs / "README.md").read_text()


def test_before_anything_is_measured_the_pipeline_is_named(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path / "home"))
    assert "nothing was measured: run `make pipeline SAMPLE=full` first" in refused(capsys, docs)


def test_a_torn_table_is_one_line(measure: Measure, docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure().write_bytes(b"PAR1 and nothing else")
    said = refused(capsys, docs)
    assert "cannot be read" in said
    assert "`make pipeline SAMPLE=full`" in said


def test_a_table_of_other_columns_is_one_line(measure: Measure, docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = measure()
    pl.read_parquet(path).drop("value", "segment").write_parquet(path)
    assert "lacks segment, value" in refused(capsys, docs)
