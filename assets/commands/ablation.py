"""`python -m assets.commands.ablation` measures what each group of ranker features contributes; writes
docs/ablation.md.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from assets.commands.arguments import parse_arguments
from assets.commands.page_sections import write_section
from movierec.data.splitting import ratings_at_cut
from movierec.evaluation.bootstrap import Interval
from movierec.experiments.ablation import run_ablation
from movierec.experiments.validation import Validation
from movierec.settings import ROOT

PAGE_PATH = ROOT / "docs" / "ablation.md"
SEEDS = (1, 2, 3)

PAGE_HEAD = """# Ablation

`make ablation` writes this page. It measures on the validation split: a data set's history and labels, split again in
the same way, without the holdout. Each row changes one thing in `two_stage` and shows the paired difference of nDCG@10
to the unchanged model, with a 95 % bootstrap interval over users. The ranker has three folds, as in the graph. If an
interval includes 0, the difference may be chance.
"""
SECTION_TEMPLATE = """
## {title}

n = {n} users. Each figure is the mean of {seeds} seeds.
nDCG@10 of the unchanged model: {whole:.4f} [{low:.4f}, {high:.4f}].

| changed | difference of nDCG@10 |
|---|---|
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the ablation on the stored split of a sample. Gives the exit code: 0, or 1 if there is no split."""
    settings, given = parse_arguments(argparse.ArgumentParser(prog="make ablation", description=__doc__), arguments)
    store = settings.layout.locate_tables(given.sample)
    if not (store / "split.parquet").is_file():
        sys.stderr.write(f"{store} holds no split: run `make pipeline SAMPLE={given.sample}` first\n")
        return 1
    split, movies, tags = (pl.scan_parquet(store / f"{name}.parquet") for name in ("split", "movies", "tags"))
    found = run_ablation(
        Validation.from_ratings(ratings_at_cut(split, "known"), movies),
        movies,
        tags,
        seeds=SEEDS,
        report_progress=print,
    )
    title = f"{Path(settings.source).name}, sample {given.sample}"
    write_section(PAGE_PATH, head=PAGE_HEAD, title=title, section=render_section(title, found))
    sys.stdout.write(f"{PAGE_PATH.relative_to(ROOT)}\n")
    return 0


def render_section(title: str, differences: Mapping[str, Interval]) -> str:
    """One data set's table in Markdown.

    `differences` maps each change to its interval; the first entry is the unchanged ranker.
    """
    whole, *_ = differences.values()
    head = SECTION_TEMPLATE.format(
        title=title, n=whole.n, whole=whole.value, low=whole.low, high=whole.high, seeds=len(SEEDS)
    )
    rows = [
        f"| {name} | {each.value:+.4f} [{each.low:+.4f}, {each.high:+.4f}] |"
        for name, each in differences.items()
        if name
    ]
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
