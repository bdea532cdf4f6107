"""`make recommend`: the top of the published recommender for every user, as a Parquet file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from assets.commands.arguments import parse_arguments
from movierec.bundles.bundle import Bundle, BundleError, current_version
from movierec.recommender.two_stage import Recommender
from movierec.settings import Settings
from resources.exports.recommendations import RecommendationError, write_recommendations


def read_user_ids(path: Path) -> pl.Series:
    """User ids from a CSV file: its column userId or user_id, else its only column. Keeps the order, drops duplicates.

    Raises RecommendationError.
    """
    if not path.is_file():
        raise RecommendationError(f"USERS={path} is not there")
    try:
        table = pl.read_csv(path, infer_schema_length=None)
        column = next((name for name in ("userId", "user_id") if name in table.columns), None)
        if column is None and table.width != 1:
            raise RecommendationError(f"USERS={path} has the columns {table.columns}; one must be userId")
        return table[column or table.columns[0]].cast(pl.Int64).drop_nulls().unique(maintain_order=True)
    except pl.exceptions.PolarsError as error:
        raise RecommendationError(f"USERS={path} is no CSV file of user ids: {error}") from error


def _open_published_recommender(settings: Settings, sample: str) -> Recommender:
    folder = current_version(settings.layout.locate_bundles(sample))
    if folder is None:
        raise RecommendationError(f"nothing is published: run `make pipeline SAMPLE={sample}` first")
    return Bundle.open(folder).recommender


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file. Gives the exit code: 0, or 1 if nothing is published or the arguments cannot be used."""
    parser = argparse.ArgumentParser(prog="make recommend", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("recommendations.parquet"))
    parser.add_argument("--n", type=int, default=10)
    parser.add_argument("--users", type=Path)
    settings, given = parse_arguments(parser, arguments)
    try:
        recommender = _open_published_recommender(settings, given.sample)
        everybody = pl.Series(recommender.interactions.user_ids, dtype=pl.Int64)
        user_ids = read_user_ids(given.users) if given.users else everybody
        rows = write_recommendations(recommender, user_ids, n=given.n, out=given.out)
    except (RecommendationError, BundleError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{given.out}: {rows:,} rows for {len(user_ids):,} users\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
