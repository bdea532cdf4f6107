"""Crawls: what is asked for, what is kept, where they give up and go on."""

import asyncio
import subprocess
import sys
import time
from datetime import datetime, timedelta

import httpx
import pytest

from resources.tmdb.answer_cache import open_answer_cache
from resources.tmdb.client import MAX_ATTEMPTS, TmdbClient
from resources.tmdb.crawler import MAX_CONSECUTIVE_FAILURES, MovieRequest, crawl_movies, iter_details
from tests.fake_tmdb import V3_KEY, FakeTmdb, serve_app

NOW = datetime(2026, 1, 2)  # noqa: DTZ001  UTC without a zone
BY_ID = [
    MovieRequest(1, "Toy Story", 1995, 862),
    MovieRequest(2, "The Matrix", 1999, 603),
    MovieRequest(3, "Pulp Fiction", 1994, 680),
]


async def at_once(seconds):
    await asyncio.sleep(0)


def crawled(fake, path, wanted=BY_ID, *, limit=100, now=NOW, key=V3_KEY):
    async def run():
        transport = httpx.ASGITransport(fake.app)
        client = TmdbClient(key, api="http://tmdb.test/3", rate=1e6, transport=transport, sleep=at_once)
        with open_answer_cache(path) as answers:
            async with client:
                outcome = await crawl_movies(client, answers, wanted, limit=limit, get_now=lambda: now)
            return outcome, {each.movie_id: each.body["id"] for each in iter_details(answers, wanted)}

    return asyncio.run(run())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tmdb" / "answers.sqlite"


def test_what_was_fetched_is_not_fetched_again(path):
    fake = FakeTmdb()
    outcome, found = crawled(fake, path, limit=2)
    assert (outcome.fetched, outcome.kept, outcome.left) == (2, 0, 1)
    assert found == {1: 862, 2: 603}
    outcome, found = crawled(fake, path)
    assert (outcome.fetched, outcome.kept, outcome.left) == (1, 2, 0)
    assert found == {1: 862, 2: 603, 3: 680}
    assert len(fake.requested_paths) == 3


def test_after_150_days_it_is_and_the_old_answer_stays_until_then(path):
    fake = FakeTmdb()
    crawled(fake, path)
    assert crawled(fake, path, now=NOW + timedelta(days=149))[0].kept == 3
    fake.queued_faults.extend([500] * 3 * MAX_ATTEMPTS)
    outcome, found = crawled(fake, path, now=NOW + timedelta(days=151))
    assert (outcome.failed, len(found)) == (3, 3)
    assert crawled(fake, path, now=NOW + timedelta(days=151))[0].fetched == 3


def test_after_180_days_what_could_not_be_refreshed_is_forgotten(path):
    fake = FakeTmdb()
    crawled(fake, path)
    fake.queued_faults.extend([500] * 3 * MAX_ATTEMPTS)
    assert crawled(fake, path, now=NOW + timedelta(days=181))[1] == {}


def test_a_movie_that_fails_is_counted_and_leaves_the_rest(path):
    fake = FakeTmdb()
    fake.movies[603] = {"title": "broken"}
    outcome, found = crawled(fake, path)
    assert (outcome.fetched, outcome.failed, outcome.stopped) == (2, 1, None)
    assert outcome.first_failure == "/movie/603: an answer without an id"
    assert found == {1: 862, 3: 680}


def test_without_an_id_title_and_year_find_it(path):
    wanted = [
        MovieRequest(5, "Star Wars: Episode IV - A New Hope", 1977, None),
        MovieRequest(6, "Fight Club", 1998, None),
    ]
    fake = FakeTmdb()
    fake.movies[11]["original_title"] = "Star Wars: Episode IV - A New Hope"
    assert crawled(fake, path, wanted)[1] == {5: 11, 6: 550}


def test_an_id_that_tmdb_has_dropped_is_searched_for(path):
    fake = FakeTmdb()
    outcome, found = crawled(
        fake, path, [MovieRequest(1, "Toy Story", 1995, 4711), MovieRequest(2, "Nowhere", 1995, 4712)]
    )
    assert found == {1: 862}
    assert (outcome.fetched, outcome.not_found) == (1, 1)
    before = len(fake.requested_paths)
    assert crawled(fake, path, [MovieRequest(2, "Nowhere", 1995, 4712)])[0].kept == 1
    assert len(fake.requested_paths) == before


def test_an_answer_belongs_to_what_was_asked_and_not_to_a_number_of_the_data_set(path):
    """Another data set numbers its movies otherwise."""
    fake = FakeTmdb()
    crawled(fake, path, [MovieRequest(1, "Fight Club", 1999, None)])
    _, found = crawled(
        fake, path, [MovieRequest(1, "The Matrix", 1999, None), MovieRequest(7, "Fight Club", 1999, None)]
    )
    assert found == {1: 603, 7: 550}


def test_two_movies_with_one_id_are_asked_for_once(path):
    fake = FakeTmdb()
    _, found = crawled(fake, path, [MovieRequest(1, "Toy Story", 1995, 862), MovieRequest(9, "Toy Story", 1995, 862)])
    assert found == {1: 862, 9: 862}
    assert len(fake.requested_paths) == 1


def test_a_refused_key_stops_at_once(path):
    many = [MovieRequest(i, f"Movie {i}", 2000, i) for i in range(1, 500)]
    fake = FakeTmdb()
    outcome, found = crawled(fake, path, many, key="wrong")
    assert outcome.stopped == "TMDB does not accept TMDB_API_KEY (status 401, code 7)"
    assert (outcome.left, outcome.failed, found) == (499, 0, {})
    assert len(fake.requested_paths) <= 50


def test_a_tmdb_that_is_down_is_given_up(path):
    many = [MovieRequest(i, f"Movie {i}", 2000, i) for i in range(1, 500)]
    fake = FakeTmdb()
    fake.queued_faults.extend([503] * 10_000)
    outcome, _ = crawled(fake, path, many)
    assert MAX_CONSECUTIVE_FAILURES <= outcome.failed <= 50
    assert outcome.stopped.startswith(
        f"{MAX_CONSECUTIVE_FAILURES} movies failed one after the other, the last: /movie/"
    )
    assert outcome.left == 499
    assert len(fake.requested_paths) < 2 * 50 * MAX_ATTEMPTS


KILLED = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
from resources.tmdb.client import TmdbClient
from resources.tmdb.answer_cache import open_answer_cache
from resources.tmdb.crawler import MovieRequest, crawl_movies

async def run():
    with open_answer_cache(Path(sys.argv[2])) as answers:
        async with TmdbClient(sys.argv[3], api=sys.argv[1]) as client:
            wanted = [MovieRequest(i, "", None, i) for i in (862, 603, 680)]
            await crawl_movies(client, answers, wanted, limit=9, get_now=lambda: datetime(2026, 1, 2))

asyncio.run(run())
"""


def test_a_killed_crawl_goes_on_where_it_stopped(path):
    fake = FakeTmdb(hanging_ids={680})
    with serve_app(fake.app) as address:
        process = subprocess.Popen([sys.executable, "-c", KILLED, f"{address}/3", str(path), V3_KEY])
        with open_answer_cache(path) as answers:
            while len(answers.list_fetched_since(NOW)) < 2:
                assert process.poll() is None
                time.sleep(0.02)
        process.kill()
        process.wait()
    fake = FakeTmdb()
    outcome, found = crawled(fake, path)
    assert (outcome.kept, outcome.fetched) == (2, 1)
    assert found == {1: 862, 2: 603, 3: 680}
    assert fake.requested_paths == ["/3/movie/680"]
