"""`python -m resources.results`: takes a sample's measured tables into docs/ and writes docs/results.md from them."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from movierec.published import atomic, current
from movierec.report import headline, results_page
from movierec.sampling import SAMPLES
from resources.settings import ROOT, Settings, SettingsError
from resources.sources import CATALOGUE

MEASURED = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
DEMO = "demo"
OF_A_FOLDER = "MovieLens-format files from the folder"  # how the description of each folder source starts
BEGIN, END = "<!-- made by make results -->", "<!-- end -->"


class ResultsError(RuntimeError):
    """There is nothing that could be taken into docs/."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 where what is published is at fault, 2 where a setting is."""
    parser = argparse.ArgumentParser(prog="make results", description=__doc__)
    parser.add_argument("--sample", choices=SAMPLES, default="full")
    given = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        measured = measured_by(published_manifest(settings.published(given.sample)))
        path = MEASURED / f"{name_of(measured['source'])}-{given.sample}.json"
    except (SettingsError, ResultsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, SettingsError) else 1
    with atomic(path) as part:
        part.write_text(json.dumps(measured, indent=1) + "\n")
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


def published_manifest(home: Path) -> dict[str, Any]:
    """Of the bundle that is published under `home`, the folder of a sample."""
    advice = f"run `make pipeline SAMPLE={home.name}`"
    try:
        bundle = current(home)
        if bundle is None:
            raise ResultsError(f"nothing is published: {advice} first")
        manifest: dict[str, Any] = json.loads((bundle / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise ResultsError(f"what is published under {home} cannot be read ({error}): {advice} again") from error
    lacking = [key for key in ("source", "sample", "split", "metrics", "comparison") if manifest.get(key) is None]
    if lacking:
        raise ResultsError(f"the manifest of {bundle} lacks {', '.join(lacking)}: {advice} again")
    return manifest


def name_of(source: Mapping[str, Any]) -> str:
    """What the tables of a source are stored under; a folder may not take the name of another kind of source."""
    name = str(source["name"])
    if _is_a_folder(source) and name in {DEMO, *CATALOGUE}:
        raise ResultsError(f"a folder called {name} would pass for the source {name}: rename it, run `make pipeline`")
    return name


def _is_a_folder(source: Mapping[str, Any]) -> bool:
    return str(source["description"]).startswith(OF_A_FOLDER)


def measured_by(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a bundle's manifest tells of its measurement, rounded to what the intervals bear."""
    tables = {"evaluation": manifest["metrics"], "comparison": manifest["comparison"]}
    rounded = {
        name: pl.DataFrame(rows).with_columns(pl.col(pl.Float64).round(6)).to_dicts() for name, rows in tables.items()
    }
    return {"source": manifest["source"], "sample": manifest["sample"], "split": manifest["split"], **rounded}


def stored(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


if __name__ == "__main__":
    sys.exit(main())
