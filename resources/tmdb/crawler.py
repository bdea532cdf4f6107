"""Fetches details of many movies from TMDB: skips stored answers, continues after single failures."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from movierec.tmdb.metadata import MovieDetail
from movierec.tmdb.title_matching import alternative_titles, find_best_match
from resources.tmdb.answer_cache import DELETE_AFTER, REFRESH_AFTER, AnswerCache
from resources.tmdb.client import MAX_IN_FLIGHT, KeyRefusedError, TmdbClient, TmdbError

MAX_CONSECUTIVE_FAILURES = 20  # failures one after the other: TMDB is not there


class MovieRequest(NamedTuple):
    """A movie to fetch: by its TMDB id if the links have one, else by title and year."""

    movie_id: int
    title: str
    year: int | None
    tmdb_id: int | None

    @property
    def request_key(self) -> str:
        """The key under which the answer is stored. It does not use movie_id, which differs between data sets."""
        return f"movie/{self.tmdb_id}" if self.tmdb_id else f"search/{self.title}/{self.year or ''}"


@dataclass
class CrawlOutcome:
    """What happened to the movies of a crawl, as counts.

    `not_found`: TMDB does not have them. `kept`: a stored answer is recent enough. `left`: for another run, including
    failed ones. `stopped` says why the crawl was given up, None if it was not.
    """

    fetched: int = 0
    not_found: int = 0
    failed: int = 0
    kept: int = 0
    left: int = 0
    failed_in_a_row: int = 0
    first_failure: str | None = None
    stopped: str | None = None  # why, where it gave up

    def record_answer(self, body: Mapping[str, Any] | None) -> None:
        """Counts a movie as fetched, or as not found if `body` is None."""
        self.failed_in_a_row = 0
        self.left -= 1
        self.fetched += body is not None
        self.not_found += body is None

    def record_failure(self, error: TmdbError) -> None:
        """Counts a failure. Raises _GaveUpError after MAX_CONSECUTIVE_FAILURES in a row."""
        self.failed += 1
        self.failed_in_a_row += 1
        self.first_failure = self.first_failure or str(error)
        if self.failed_in_a_row >= MAX_CONSECUTIVE_FAILURES:
            raise _GaveUpError(f"{self.failed_in_a_row} movies failed one after the other, the last: {error}")


class _GaveUpError(Exception):
    """Ends all workers."""


async def crawl_movies(
    client: TmdbClient,
    cache: AnswerCache,
    requests: Iterable[MovieRequest],
    *,
    limit: int,
    get_now: Callable[[], datetime],
) -> CrawlOutcome:
    """Fetches up to `limit` movies without an answer newer than REFRESH_AFTER, in the order of `requests`.

    Answers older than DELETE_AFTER are deleted first.
    """
    cache.delete_before(get_now() - DELETE_AFTER)
    fresh = cache.list_fetched_since(get_now() - REFRESH_AFTER)
    by_asked = {each.request_key: each for each in requests}
    missing = [each for asked, each in by_asked.items() if asked not in fresh]
    outcome = CrawlOutcome(kept=len(by_asked) - len(missing), left=len(missing))
    queue = iter(missing[:limit])
    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(MAX_IN_FLIGHT):
                workers.create_task(_run_worker(client, cache, queue, outcome, get_now))
    except* _GaveUpError as gave_up:
        outcome.stopped = str(gave_up.exceptions[0])
    return outcome


async def _run_worker(
    client: TmdbClient,
    cache: AnswerCache,
    queue: Iterator[MovieRequest],
    outcome: CrawlOutcome,
    get_now: Callable[[], datetime],
) -> None:
    for wanted in queue:
        try:
            body = await fetch_detail(client, wanted)
        except KeyRefusedError as error:
            raise _GaveUpError(str(error)) from error
        except TmdbError as error:
            outcome.record_failure(error)
        else:
            cache.store_answer(wanted.request_key, body, get_now())
            outcome.record_answer(body)


async def fetch_detail(client: TmdbClient, request: MovieRequest) -> Mapping[str, Any] | None:
    """The details of a movie, by id; by title and year if it has no id or TMDB does not know it. None if not found."""
    if request.tmdb_id:
        body = await client.fetch_movie(request.tmdb_id)
        if body is not None:
            return body
    called = alternative_titles(request.title)
    # At last without the year: TMDB's may be the next or the last, and best_match sees to it.
    for name, year in dict.fromkeys([*((name, request.year) for name in called[:2]), (called[0], None)]):
        results = await client.search_movies(name, year)
        if (found := find_best_match(results, request.title, request.year)) is not None:
            return await client.fetch_movie(found)
    return None


def iter_details(cache: AnswerCache, requests: Iterable[MovieRequest]) -> Iterator[MovieDetail]:
    """Yields the stored details of each movie, from this or an earlier crawl."""
    for each in requests:
        for answer in cache.iter_answers([each.request_key]):
            if answer.body is not None:
                yield MovieDetail(each.movie_id, answer.body, answer.fetched_at)
