"""`python -m assets.commands.results`: takes a sample's measured tables into docs/ and writes docs/results.md."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from assets.commands.arguments import parse_arguments
from movierec.bundles.atomic_write import atomic
from movierec.data.splitting import SPLITS
from movierec.evaluation.leaderboard import LEADERBOARD
from movierec.evaluation.results_report import SHOWN, headline, results_page
from movierec.settings import ROOT
from resources.sources.archives import CATALOGUE

MEASURED = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
DEMO = "demo"
OF_A_FOLDER = "MovieLens-format files from the folder"  # how the description of each folder source starts
OF_THE_SOURCE = ("source", "description", "version")
BEGIN, END = "<!-- made by make results -->", "<!-- end -->"


class ResultsError(RuntimeError):
    """There is nothing that could be taken into docs/."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 where what is published is at fault."""
    settings, given = parse_arguments(argparse.ArgumentParser(prog="make results", description=__doc__), arguments)
    try:
        path = settings.layout.locate_tables(given.sample) / "leaderboard.parquet"
        measured = measured_by(measured_table(path, sample=given.sample), sample=given.sample)
        measured["diversity"] = _rounded(measured_rows(path.with_name("diversity.parquet")))
        path = MEASURED / f"{name_of(measured['source'])}-{given.sample}.json"
    except ResultsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with atomic(path) as part:
        part.write_text(_json(measured))
    for page, text in pages().items():
        page.write_text(text)
    sys.stdout.write(f"{path.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}, {README.relative_to(ROOT)}\n")
    return 0


def pages() -> dict[Path, str]:
    """The pages that show measured tables, as they should be; README.md shows the demo and nothing else."""
    measured = stored(MEASURED)
    demo = [each for each in measured if each["source"]["name"] == DEMO and not _is_a_folder(each["source"])]
    whole = [headline(each) for each in demo if each["sample"] == "full"]
    before, _, rest = README.read_text().partition(BEGIN)
    shown, _, after = rest.partition(END)
    table = f"\n{whole[0]}\n" if whole else shown
    return {PAGE: results_page(measured), README: f"{before}{BEGIN}{table}{END}{after}"}


def measured_table(path: Path, *, sample: str) -> pl.DataFrame:
    """The leaderboard that the graph wrote."""
    advice = f"run `make pipeline SAMPLE={sample}`"
    if not path.is_file():
        raise ResultsError(f"{path} is not there, nothing was measured: {advice} first")
    try:
        table = pl.read_parquet(path)
        lacking = [name for name in (*OF_THE_SOURCE, *LEADERBOARD) if name not in table.columns]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResultsError(f"{path} cannot be read ({error}): {advice} again") from error
    if lacking or table.is_empty():
        raise ResultsError(f"{path} lacks {', '.join(lacking) or 'rows'}: {advice} again")
    return table


def name_of(source: Mapping[str, Any]) -> str:
    """What the tables of a source are stored under; a folder may not take the name of another kind of source."""
    name = str(source["name"])
    if _is_a_folder(source) and name in {DEMO, *CATALOGUE}:
        raise ResultsError(f"a folder called {name} would pass for the source {name}: rename it, run `make pipeline`")
    return name


def _is_a_folder(source: Mapping[str, Any]) -> bool:
    return str(source["description"]).startswith(OF_A_FOLDER)


def measured_rows(path: Path) -> pl.DataFrame:
    """A table that may be missing: it is then left out."""
    return pl.read_parquet(path) if path.is_file() else pl.DataFrame()


def _rounded(table: pl.DataFrame) -> list[dict[str, Any]]:
    """To what the intervals bear."""
    return table.with_columns(pl.col(pl.Float64).round(6)).to_dicts()


def measured_by(table: pl.DataFrame, *, sample: str) -> dict[str, Any]:
    """What the leaderboard tells, of the metrics that are shown, rounded to what the intervals bear."""
    name, description, version = table.select(*OF_THE_SOURCE).row(0)
    shown = table.select(list(LEADERBOARD)).filter(pl.col("metric").is_in(SHOWN))
    return {
        "source": {"name": name, "description": description, "version": version},
        "sample": sample,
        "splits": SPLITS,
        "rows": _rounded(shown),
    }


def _json(measured: dict[str, Any]) -> str:
    """A line for each row, so that a difference can be read."""
    rows = ",\n".join(json.dumps(row) for row in measured["rows"])
    head = json.dumps({**measured, "rows": []}, indent=1)
    return head.replace('"rows": []', f'"rows": [\n{rows}\n ]') + "\n"


def stored(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


if __name__ == "__main__":
    sys.exit(main())
