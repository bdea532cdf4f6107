"""`python -m assets.commands.results` copies a sample's results into docs/results/ and renders docs/results.md."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from assets.backtest import list_windows
from assets.commands.arguments import parse_arguments
from movierec.bundles.atomic_write import atomic_write
from movierec.data.splitting import SPLIT_DESCRIPTION
from movierec.data.windows import select_current_windows
from movierec.evaluation.backtest import (
    RECENT_POPULARITY,
    compare_scores,
    find_best_channel,
    list_reference_pairs,
    measure_list_properties,
    score_windows,
    summarize_scores,
)
from movierec.evaluation.leaderboard import LEADERBOARD, REST_OF_SITTING
from movierec.evaluation.results_report import (
    BACKTEST_METRICS,
    SHOWN_COLUMNS,
    render_headline_table,
    render_results_page,
)
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from movierec.settings import ROOT
from resources.sources.archives import ARCHIVES

RESULTS_FOLDER = ROOT / "docs" / "results"
PAGE_PATH = ROOT / "docs" / "results.md"
README_PATH = ROOT / "README.md"
DEMO_SOURCE = "demo"
FOLDER_DESCRIPTION_PREFIX = "MovieLens-format files from the folder"  # how the description of each folder source starts
SOURCE_COLUMNS = ("source", "description", "version")
BEGIN_MARK, END_MARK = "<!-- made by make results -->", "<!-- end -->"


class ResultsError(RuntimeError):
    """There are no usable results. The message says what to run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Stores the results and renders the pages. Gives the exit code: 0, or 1 if there are no usable results."""
    settings, given = parse_arguments(argparse.ArgumentParser(prog="make results", description=__doc__), arguments)
    try:
        path = settings.layout.locate_tables(given.sample) / "leaderboard.parquet"
        measured = build_results(read_leaderboard(path, sample=given.sample), sample=given.sample)
        measured["backtest"] = build_backtest_results(path.parent)
        measured["diversity"] = _round_rows(read_optional_table(path.with_name("diversity.parquet")))
        path = RESULTS_FOLDER / f"{get_results_name(measured['source'])}-{given.sample}.json"
    except ResultsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with atomic_write(path) as part:
        part.write_text(_format_json(measured))
    for page, text in render_pages().items():
        page.write_text(text)
    sys.stdout.write(f"{path.relative_to(ROOT)}, {PAGE_PATH.relative_to(ROOT)}, {README_PATH.relative_to(ROOT)}\n")
    return 0


def render_pages() -> dict[Path, str]:
    """The text of each page that shows results, by path: docs/results.md has all data sets, README.md only the demo."""
    measured = load_results(RESULTS_FOLDER)
    demo = [
        each for each in measured if each["source"]["name"] == DEMO_SOURCE and not _is_folder_source(each["source"])
    ]
    whole = [render_headline_table(each) for each in demo if each["sample"] == "full"]
    before, _, rest = README_PATH.read_text().partition(BEGIN_MARK)
    shown, _, after = rest.partition(END_MARK)
    table = f"\n{whole[0]}\n" if whole else shown
    return {PAGE_PATH: render_results_page(measured), README_PATH: f"{before}{BEGIN_MARK}{table}{END_MARK}{after}"}


def read_leaderboard(path: Path, *, sample: str) -> pl.DataFrame:
    """Reads the asset `leaderboard`. Raises ResultsError if it is missing, empty or lacks columns."""
    advice = f"run `make pipeline SAMPLE={sample}`"
    if not path.is_file():
        raise ResultsError(f"{path} is not there, nothing was measured: {advice} first")
    try:
        table = pl.read_parquet(path)
        lacking = [name for name in (*SOURCE_COLUMNS, *LEADERBOARD) if name not in table.columns]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(f"{path} cannot be read ({error}): {advice} again") from error
    if lacking or table.is_empty():
        raise ResultsError(f"{path} lacks {', '.join(lacking) or 'rows'}: {advice} again")
    return table


def get_results_name(source: Mapping[str, Any]) -> str:
    """The file name, without sample and suffix, under which a source's results are stored.

    Raises ResultsError for a folder that has the name of the demo or of a downloadable data set.
    """
    name = str(source["name"])
    if _is_folder_source(source) and name in {DEMO_SOURCE, *ARCHIVES}:
        raise ResultsError(f"a folder called {name} would pass for the source {name}: rename it, run `make pipeline`")
    return name


def _is_folder_source(source: Mapping[str, Any]) -> bool:
    return str(source["description"]).startswith(FOLDER_DESCRIPTION_PREFIX)


def read_optional_table(path: Path) -> pl.DataFrame:
    """Reads a Parquet file; an empty table if there is no file."""
    return pl.read_parquet(path) if path.is_file() else pl.DataFrame()


def _round_rows(table: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries, numbers rounded to 6 decimal places."""
    return table.with_columns(pl.col(pl.Float64).round(6)).to_dicts()


def build_results(leaderboard: pl.DataFrame, *, sample: str) -> dict[str, Any]:
    """The results of one sample as they are stored in docs/results/: source, split and the shown metrics, rounded."""
    name, description, version = leaderboard.select(*SOURCE_COLUMNS).row(0)
    shown = leaderboard.select(list(LEADERBOARD)).filter(
        pl.col("protocol") == REST_OF_SITTING, pl.col("metric").is_in(SHOWN_COLUMNS)
    )
    return {
        "source": {"name": name, "description": description, "version": version},
        "sample": sample,
        "split": SPLIT_DESCRIPTION,
        "rows": _round_rows(shown),
    }


def build_backtest_results(store: Path) -> list[dict[str, Any]]:
    """The back-test of one sample, from its tables in the store: of all windows but the last, and of the last alone.

    Nothing but this reads the scores of the last window. Each entry has `windows` (their names), `best_channel` (chosen
    on all windows but the last) and `rows`: nDCG@10, its paired differences to the best channel and to recent
    popularity, and what the lists are like (BACKTEST_METRICS). Empty if no window was measured.
    """
    windows = read_optional_table(store / "windows.parquet")
    paths = {name: sorted((store / name).glob("*.parquet")) for name in ("window_rankings", "window_relevant")}
    if windows.is_empty() or not all(paths.values()):
        return []
    ratings, movies = pl.scan_parquet(store / "ratings.parquet"), pl.read_parquet(store / "movies.parquet")
    rankings, relevant = (pl.concat(map(pl.scan_parquet, of), how="diagonal") for of in paths.values())
    channels = RECOMMENDER_CHANNELS["two_stage"]
    chosen_on = score_windows(windows[:-1], rankings, relevant)
    if chosen_on.is_empty():
        return []
    best = find_best_channel(chosen_on, channels)
    results = []
    last = windows[-1:]
    for part, scores in ((windows[:-1], chosen_on), (last, score_windows(last, rankings, relevant))):
        if scores.is_empty():
            continue
        found = select_current_windows(rankings, part)
        properties = measure_list_properties(list_windows(part), found, ratings, movies)
        own = summarize_scores(scores, found, properties).filter(pl.col("metric").is_in(BACKTEST_METRICS))
        differences = compare_scores(scores, list_reference_pairs(scores, [best, RECENT_POPULARITY]))
        table = pl.concat([own, differences.with_columns(metric=pl.lit("ndcg_at_10"))], how="diagonal")
        names = [name for name in part["window"] if name in set(scores["window"])]
        results.append({"windows": names, "best_channel": best, "rows": _round_rows(table)})
    return results


def _format_json(results: dict[str, Any]) -> str:
    """The results as JSON with one line per row, so that differences are readable in version control."""
    lists = [results["rows"], *(each["rows"] for each in results.get("backtest", []))]
    marks = [f"<rows {number}>" for number in range(len(lists))]
    backtest = [{**each, "rows": mark} for each, mark in zip(results.get("backtest", []), marks[1:], strict=True)]
    text = json.dumps({**results, "rows": marks[0], "backtest": backtest}, indent=1)
    for mark, rows in zip(marks, lists, strict=True):
        lines = ",\n".join(json.dumps(row) for row in rows)
        text = text.replace(f'"{mark}"', f"[\n{lines}\n ]")
    return text + "\n"


def load_results(folder: Path) -> list[dict[str, Any]]:
    """Reads all stored results, in order of their file names."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


if __name__ == "__main__":
    sys.exit(main())
