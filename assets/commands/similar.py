"""`python -m assets.commands.similar` measures the lists of similar movies; writes docs/similar.md."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from assets.backtest import list_windows
from assets.commands.arguments import parse_arguments
from assets.commands.page_sections import write_section
from movierec.candidates.ials import IALS
from movierec.catalog.similar_movies import (
    FACTOR_COSINE,
    TASTE_AND_CONTENT,
    find_similar_by_factors,
    find_similar_by_taste,
)
from movierec.data.interactions import Interactions
from movierec.data.windows import Window, ratings_before_cut
from movierec.evaluation.bootstrap import Interval, bootstrap_mean
from movierec.evaluation.similar_movies import LIST_LENGTH, NEXT_LIKED, score_similar_movies, select_liked_pairs
from movierec.settings import ROOT

PAGE_PATH = ROOT / "docs" / "similar.md"
MIN_RATINGS = 5
N_WINDOWS = 6
N_EXAMPLES = 20
N_SHOWN = 6

PAGE_HEAD = f"""# Similar movies

`make similar` writes this page. It measures whether lists of similar movies say something about a movie, in the last
{N_WINDOWS} windows of the [back-test](evaluation.md#the-back-test) but the very last. The lists are made from the
ratings before the window. Then, for each movie that a user liked in the window, the next {NEXT_LIKED} movies that they
liked are looked for among the first {LIST_LENGTH} of its list.

- `hit`: the share of these pairs that are found.
- `by chance`: the share that the same lists would find if what is liked next did not depend on the movie. Lists of
  popular movies find much by chance.
- `beyond chance`: the difference of the two. It decides which lists are served.

Intervals are 95 % bootstrap intervals over users; n counts pairs.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the stored ratings of a sample. Gives the exit code: 0, or 1 if there are no ratings or windows."""
    settings, given = parse_arguments(argparse.ArgumentParser(prog="make similar", description=__doc__), arguments)
    store = settings.layout.locate_tables(given.sample)
    if not (store / "windows.parquet").is_file():
        sys.stderr.write(f"{store} holds no windows: run `make pipeline SAMPLE={given.sample}` first\n")
        return 1
    ratings, movies = pl.scan_parquet(store / "ratings.parquet"), pl.read_parquet(store / "movies.parquet")
    windows = list_windows(pl.read_parquet(store / "windows.parquet"))[:-1][-N_WINDOWS:]
    scores = score_builders(ratings, movies, windows)
    if not scores:
        sys.stderr.write(f"{store}: nobody liked two movies after each other in a window, so nothing is measured\n")
        return 1
    title = f"{Path(settings.source).name}, sample {given.sample}"
    section = render_section(scores, build_examples(ratings, movies))
    write_section(PAGE_PATH, head=PAGE_HEAD, title=title, section=f"\n## {title}\n\n{section}")
    sys.stdout.write(f"{PAGE_PATH.relative_to(ROOT)}\n")
    return 0


def build_lists(interactions: Interactions, movies: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The lists of each builder by its name, from the ratings of `interactions`."""
    ials = IALS.fit(interactions)
    counts = interactions.user_items.count_nonzero(axis=0)
    return {
        FACTOR_COSINE: find_similar_by_factors(
            ials.movie_ids, ials.item_factors, counts, n=LIST_LENGTH, min_ratings=MIN_RATINGS
        ),
        TASTE_AND_CONTENT: find_similar_by_taste(
            interactions, ials.item_factors, movies, n=LIST_LENGTH, min_ratings=MIN_RATINGS
        ),
    }


def score_builders(ratings: pl.LazyFrame, movies: pl.DataFrame, windows: Sequence[Window]) -> dict[str, pl.DataFrame]:
    """By builder, `score_similar_movies` of all windows; empty if there are no pairs."""
    found: dict[str, list[pl.DataFrame]] = {}
    for window in windows:
        pairs = select_liked_pairs(ratings, window)
        for name, similar in build_lists(
            Interactions.from_ratings(ratings_before_cut(ratings, window)), movies
        ).items():
            found.setdefault(name, []).append(score_similar_movies(similar, pairs))
    tables = {name: pl.concat(parts) for name, parts in found.items()}
    return tables if all(len(table) for table in tables.values()) else {}


def build_examples(ratings: pl.LazyFrame, movies: pl.DataFrame) -> pl.DataFrame:
    """`movie` and the titles of the first neighbours of each builder, for the most rated movies, on all ratings."""
    interactions = Interactions.from_ratings(ratings)
    titles = dict(movies.select("movie_id", "display_title").iter_rows())
    counts = ratings.group_by("movie_id").len().sort("len", "movie_id", descending=[True, False]).head(N_EXAMPLES)
    table = counts.select("movie_id").collect()
    for name, similar in build_lists(interactions, movies).items():
        names = {
            movie_id: " · ".join(titles[each] for each in ids[:N_SHOWN])
            for movie_id, ids in similar.select("movie_id", "similar_ids").iter_rows()
        }
        table = table.with_columns(
            pl.col("movie_id").replace_strict(names, default="", return_dtype=pl.String).alias(name)
        )
    return table.with_columns(movie=pl.col("movie_id").replace_strict(titles, return_dtype=pl.String))


def render_section(scores: Mapping[str, pl.DataFrame], examples: pl.DataFrame) -> str:
    """The measures of each builder, their paired difference, and the examples, in Markdown."""
    lines = ["| builder | hit | by chance | beyond chance |", "|---|---|---|---|"]
    beyond = {name: table["hit"] - table["by_chance"] for name, table in scores.items()}
    users = scores[FACTOR_COSINE]["user_id"].to_numpy()
    for name, table in scores.items():
        hit, chance = table.select(pl.col("hit", "by_chance").mean()).row(0)
        own = bootstrap_mean(beyond[name].to_numpy(), clusters=users)
        lines.append(f"| `{name}` | {hit:.4f} | {chance:.4f} | {_format(own)} |")
    gain = bootstrap_mean((beyond[TASTE_AND_CONTENT] - beyond[FACTOR_COSINE]).to_numpy(), clusters=users)
    told = f"Paired difference of `{TASTE_AND_CONTENT}` to `{FACTOR_COSINE}`: {_format(gain, sign='+')}, n = {gain.n}."
    heads = f"| movie | `{FACTOR_COSINE}` | `{TASTE_AND_CONTENT}` |"
    lines += ["", told, "", f"The {len(examples)} most rated movies:", "", heads, "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in examples.select("movie", *scores).iter_rows()]
    return "\n".join(lines) + "\n"


def _format(interval: Interval, *, sign: str = "") -> str:
    return f"{interval.value:{sign}.4f} [{interval.low:{sign}.4f}, {interval.high:{sign}.4f}]"


if __name__ == "__main__":
    sys.exit(main())
