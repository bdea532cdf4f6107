"""`python -m tests.benchmarks.search` measures search in a catalogue of the size of MovieLens 32M and prints a table.

Titles, ratings and tags are made up; words are as unevenly distributed as in a language. Nothing is asserted.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
import numpy as np
import polars as pl

from movierec.bundles.bundle import Bundle, publish_bundle
from movierec.catalog.catalog import Catalogue, Movie
from movierec.data.movielens import GENRES
from movierec.search.browser import Browser
from movierec.settings import Settings
from serving.app import create_app
from serving.pages.search import build_search_view, suggest_movies
from serving.services.search_query import parse_search_query
from tests.factories import publish_small_bundle

N_MOVIES, N_WORDS, N_ROUNDS = 87_585, 50_000, 1000
NESTED_FILTER = (
    'or(genre:Drama,and(genre:Comedy,year:1970..1999),mean_rating:4..),not(genre:Horror,tag:"word 7"),'
    "and(n_ratings:2..,or(decade:1990,year:2005..,not(popularity:..3)))"
)
NESTED_OWN_FILTER = f"{NESTED_FILTER},not(seen)"
N_RATED = 200  # movies, by who is signed in


class ResultLine(NamedTuple):
    """Sorted milliseconds of each call: elapsed time, and processor time, which other processes disturb less."""

    name: str
    elapsed_ms: list[float]
    cpu_ms: list[float]

    def __str__(self) -> str:
        figures = (
            times[int(share * len(times))] for times in (self.elapsed_ms, self.cpu_ms) for share in (0.5, 0.95, 0.99)
        )
        return f"| {self.name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |"


def make_catalogue_table(rng: np.random.Generator) -> pl.DataFrame:
    """A table with the columns that `movierec.catalog.build_catalogue` makes."""
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(rng.choice(list(letters), size=rng.integers(3, 11))) for _ in range(N_WORDS)]
    share = 1 / np.arange(2, N_WORDS + 2)
    ranks = rng.choice(N_WORDS, size=(N_MOVIES, 5), p=share / share.sum())
    lengths = rng.integers(1, 6, N_MOVIES)
    n_ratings = np.sort(np.minimum(rng.zipf(1.35, N_MOVIES), 90_000))[::-1]
    means = rng.uniform(1, 5, N_MOVIES).round(2)
    genres = [list(rng.choice(GENRES, size=rng.integers(1, 4), replace=False)) for _ in range(N_MOVIES)]
    tags = [
        [f"word {tag}" for tag in rng.integers(0, 2000, 10 if row < N_MOVIES // 5 else 0)] for row in range(N_MOVIES)
    ]
    return pl.DataFrame(
        {
            "movie_id": rng.permutation(N_MOVIES) + 1,
            "title": [" ".join(words[i] for i in row[:n]).title() for row, n in zip(ranks, lengths, strict=True)],
            "year": rng.integers(1920, 2024, N_MOVIES),
            "genres": genres,
            "popularity": np.where(n_ratings >= 5, means + np.log1p(n_ratings), np.nan),
            "mean_rating": means,
            "n_ratings": n_ratings,
            "imdb_id": range(N_MOVIES),
            "tmdb_id": range(N_MOVIES),
            "tags": tags,
        },
        schema_overrides={"movie_id": pl.Int32, "year": pl.Int16, "n_ratings": pl.Int32},
    ).select(pl.col(field).fill_nan(None) if field == "popularity" else field for field in Movie._fields)


def iter_queries(browser: Browser, chance: random.Random) -> Iterator[str]:
    """Titles as people type them: whole, the beginning, without a space, with a typing error, with a year."""
    ways: list[Callable[[str], str]] = [
        lambda title: title,
        lambda title: title[: chance.randint(1, len(title))],
        lambda title: title.replace(" ", "", 1),
        swap_two_letters,
        lambda title: f"{title.split()[0]} {chance.randint(1950, 2020)}",
    ]

    while True:
        yield chance.choice(ways)(chance.choice(browser.movies).title)


def swap_two_letters(title: str) -> str:
    """The title with two letters in the middle swapped."""
    at = len(title) // 2
    return title[: at - 1] + title[at - 1 : at + 1][::-1] + title[at + 1 :]


def measure_calls(name: str, call: Callable[[str], object], queries: Iterator[str]) -> ResultLine:
    passed, worked = [], []
    for _, ask in zip(range(N_ROUNDS + 50), queries, strict=False):
        started, begun = time.perf_counter(), time.process_time()
        call(ask)
        passed.append(1000 * (time.perf_counter() - started))
        worked.append(1000 * (time.process_time() - begun))
    return ResultLine(name, sorted(passed[50:]), sorted(worked[50:]))  # the first ones warm up


def measure_over_asgi(home: Path, queries: Iterator[str]) -> list[ResultLine]:
    """Measures whole answers of the application, without a server or a socket."""
    app = create_app(Settings(home=home))
    transport = httpx.ASGITransport(app)
    lines = []
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=transport, base_url="http://site")

        def get(path: str, **parameters: str) -> None:
            runner.run(client.get(f"{path}?{urlencode(parameters)}", follow_redirects=True)).raise_for_status()

        lines = [
            measure_calls(
                "`GET /search`, words and nested filters", lambda q: get("/search", q=q, filter=NESTED_FILTER), queries
            ),
            measure_calls("`GET /search/suggestions`", lambda q: get("/search/suggestions", q=q), queries),
            measure_calls(
                "`GET /api/movies`, words and nested filters",
                lambda q: get("/api/movies", q=q, filter=NESTED_FILTER),
                queries,
            ),
            measure_calls("`GET /`", lambda _: get("/"), queries),
        ]
        door = {"name": "Bench", "password": "only to be measured"}
        runner.run(client.post("/register", data=door, follow_redirects=True)).raise_for_status()
        for movie_id in range(1, N_RATED + 1):
            done = runner.run(client.post(f"/movies/{movie_id}/rating", data={"rating": "4"}))
            assert done.status_code == 303, done.text
        lines += [
            measure_calls(
                "`GET /search`, the same, signed in", lambda q: get("/search", q=q, filter=NESTED_OWN_FILTER), queries
            ),
            measure_calls("`GET /search/suggestions`, signed in", lambda q: get("/search/suggestions", q=q), queries),
        ]
        runner.run(client.aclose())
    return lines


def publish_large_home(folder: Path, table: pl.DataFrame) -> Path:
    """Publishes a bundle with many movies and the small recommender of the tests."""
    small = Bundle.open(publish_small_bundle(folder))
    publish_bundle(
        folder / "published" / "full",
        "v2",
        catalogue=table,
        recommender=small.recommender,
        similar=small.similar,
        scores=pl.DataFrame({"user_id": [1], "ndcg_at_10": [0.5]}),
        trending=small.trending,
        manifest={},
    )
    return folder


def main() -> None:
    table = make_catalogue_table(np.random.default_rng(0))
    started = time.process_time()
    browser = Browser.from_movies(Catalogue.from_table(table).movies)
    prepared = time.process_time() - started
    chance = random.Random(0)  # noqa: S311  nothing to be guarded
    asks = iter_queries(browser, chance)
    lines = [
        measure_calls("suggestions, the search alone", lambda q: suggest_movies(browser, q), asks),
        measure_calls(
            "words, nested filters, counts, first page",
            lambda q: build_search_view(
                browser, parse_search_query([("q", q), ("filter", NESTED_FILTER)]), {}, number=1
            ),
            asks,
        ),
    ]
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        lines += measure_over_asgi(publish_large_home(Path(folder), table), asks)
    sys.stdout.write(
        f"{len(browser.movies):,} movies, {len(browser.titles.vocabulary.words):,} words, "
        f"index built in {prepared:.1f} CPU seconds; "
        f"milliseconds, {N_ROUNDS} requests one after another, in one process without a network socket.\n\n"
        "| what | median | p95 | p99 | CPU median | p95 | p99 |\n|---|---|---|---|---|---|---|\n"
        + "\n".join(map(str, lines))
        + "\n"
    )


if __name__ == "__main__":
    main()
