"""`python -m resources.results`: takes a sample's measured tables into docs/ and writes docs/results.md from them."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from movierec.published import atomic, current
from movierec.report import headline, results_page
from movierec.sampling import SAMPLES
from resources.settings import ROOT, Settings

MEASURED = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- made by make results -->", "<!-- end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make results", description=__doc__)
    parser.add_argument("--sample", choices=SAMPLES, default="full")
    given = parser.parse_args(arguments)
    bundle = current(Settings.from_environment().published(given.sample))
    if bundle is None:
        sys.stderr.write(f"nothing is published: run `make pipeline SAMPLE={given.sample}` first\n")
        return 1
    measured = measured_by(json.loads((bundle / "manifest.json").read_text()))
    path = MEASURED / f"{measured['source']['name']}-{given.sample}.json"
    with atomic(path) as part:
        part.write_text(json.dumps(measured, indent=1) + "\n")
    for page, text in pages().items():
        page.write_text(text)
    sys.stdout.write(f"{path.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}, {README.relative_to(ROOT)}\n")
    return 0


def pages() -> dict[Path, str]:
    """The pages that show measured tables, as they should be."""
    measured = stored(MEASURED)
    (demo,) = (each for each in measured if (each["source"]["name"], each["sample"]) == ("demo", "full"))
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return {PAGE: results_page(measured), README: f"{before}{BEGIN}\n{headline(demo)}\n{END}{after}"}


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
