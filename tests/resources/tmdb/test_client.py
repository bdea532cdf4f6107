"""TMDB's client against a TMDB that answers and fails like the real one; nobody really waits."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from resources.tmdb.client import MAX_ATTEMPTS, KeyRefusedError, TmdbClient, TmdbError, TransientTmdbError
from resources.tmdb.rate_limit import TokenBucket
from tests.fake_tmdb import V3_KEY, V4_TOKEN, FakeTmdb

API = "http://tmdb.test/3"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def asking(fake, ask, *, key=V3_KEY, transport=None):
    """What `ask` gives of a client of the fake, and the times it slept."""
    clock = Clock()

    async def run():
        inner = transport or httpx.ASGITransport(fake.app)
        async with TmdbClient(key, api=API, rate=1e6, transport=inner, sleep=clock.sleep) as client:
            return await ask(client), client

    answer, client = asyncio.run(run())
    return answer, client, clock.slept


@pytest.mark.parametrize("key", [V3_KEY, V4_TOKEN])
def test_both_kinds_of_keys_open_a_detail_with_credits(key):
    body, _, _ = asking(FakeTmdb(), lambda client: client.fetch_movie(862), key=key)
    assert body["title"] == "Toy Story"
    assert body["credits"]["cast"][0]["name"] == "Tom Hanks"
    assert body["genres"][0].keys() == {"id", "name"}


def test_a_token_is_no_parameter_of_the_address():
    sent = []

    def answer(request):
        sent.append(request)
        return httpx.Response(200, json={"id": 862})

    for key in (V3_KEY, V4_TOKEN):
        asking(None, lambda client: client.fetch_movie(862), key=key, transport=httpx.MockTransport(answer))
    by_key, by_token = sent
    assert by_key.url.params["api_key"] == V3_KEY
    assert "authorization" not in by_key.headers
    assert by_token.headers["authorization"] == f"Bearer {V4_TOKEN}"
    assert by_token.url.params.get("api_key") is None


def test_a_search_gives_results_as_searches_have_them():
    results, _, _ = asking(FakeTmdb(), lambda client: client.search_movies("matrix", 1999))
    assert [each["id"] for each in results] == [603]
    assert "runtime" in asking(FakeTmdb(), lambda client: client.fetch_movie(603))[0]
    assert "runtime" not in results[0]
    assert 28 in results[0]["genre_ids"]


def test_a_movie_that_tmdb_has_not_is_none():
    assert asking(FakeTmdb(), lambda client: client.fetch_movie(1))[0] is None


@pytest.mark.parametrize("fault", [429, 500, 502, 503, "malformed", "damaged", "not an object"])
def test_what_passes_is_tried_again(fault):
    fake = FakeTmdb()
    fake.queued_faults.extend([fault, fault])
    body, client, slept = asking(fake, lambda client: client.fetch_movie(862))
    assert body["id"] == 862
    assert client.get_counts() == {"requests": 3, "retries": 2, "most_in_flight": 1}
    assert len(slept) == 2


def test_a_retry_after_is_waited_for():
    fake = FakeTmdb(retry_after="7")
    fake.queued_faults.append(429)
    _, _, slept = asking(fake, lambda client: client.fetch_movie(862))
    assert slept[0] == pytest.approx(7.1)


def test_a_retry_after_holds_everybody():
    """Two wait for their own turn after a 429; who comes then waits as well."""
    fake = FakeTmdb(retry_after="7")
    fake.queued_faults.append(429)

    async def ask(client):
        first = asyncio.create_task(client.fetch_movie(862))
        while not client.retries:
            await asyncio.sleep(0)
        await asyncio.gather(first, client.fetch_movie(603))

    _, _, slept = asking(fake, ask)
    assert sorted(round(seconds) for seconds in slept if seconds > 1) == [7, 7, 7]


def test_a_retry_after_may_be_a_date_and_is_bounded():
    fake = FakeTmdb(retry_after=format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True))
    fake.queued_faults.append(429)
    _, _, slept = asking(fake, lambda client: client.fetch_movie(862))
    assert slept[0] == pytest.approx(60.1)


def test_a_trouble_that_stays_is_an_error_after_the_last_attempt():
    fake = FakeTmdb()
    fake.queued_faults.extend([500] * MAX_ATTEMPTS)
    with pytest.raises(TransientTmdbError, match="/movie/862: status 500"):
        asking(fake, lambda client: client.fetch_movie(862))
    assert len(fake.requested_paths) == MAX_ATTEMPTS


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_connection_that_fails_is_tried_again(error):
    def fails(request):
        raise error("no")

    with pytest.raises(TransientTmdbError, match=error.__name__):
        asking(None, lambda client: client.fetch_movie(862), transport=httpx.MockTransport(fails))


@pytest.mark.parametrize(("status", "expected"), [(401, KeyRefusedError), (422, TmdbError)])
def test_what_does_not_pass_is_not_tried_again(status, expected):
    fake = FakeTmdb()
    fake.queued_faults.append(status)
    with pytest.raises(expected):
        asking(fake, lambda client: client.fetch_movie(862))
    assert len(fake.requested_paths) == 1


@pytest.mark.parametrize("body", [{"title": "no id"}, {"id": "862"}])
def test_an_answer_that_is_no_movie_is_an_error(body):
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    with pytest.raises(TmdbError, match="without an id"):
        asking(None, lambda client: client.fetch_movie(862), transport=transport)


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("key", [V3_KEY + "x", V4_TOKEN + "x"])
@pytest.mark.parametrize(
    ("trouble", "told"),
    [("refused", "TMDB_API_KEY"), (500, "/movie/862: "), ("unreachable", "/movie/862: ConnectError")],
)
def test_the_key_stands_in_no_log_and_no_error(key, trouble, told, caplog):
    caplog.set_level(logging.DEBUG)
    fake = FakeTmdb()
    if trouble == 500:
        fake.queued_faults.extend([500] * MAX_ATTEMPTS)

    def unreachable(request):
        raise httpx.ConnectError("no route", request=request)

    transport = httpx.MockTransport(unreachable) if trouble == "unreachable" else None
    with pytest.raises(TmdbError, match=told) as raised:
        asking(fake, lambda client: client.fetch_movie(862), key=key, transport=transport)
    is_logged = any("/movie/862" in message for message in caplog.messages)
    assert is_logged is (trouble != "unreachable")  # httpx logs what was answered
    assert key not in caplog.text
    for error in chain(raised.value):
        assert key not in repr(error)
        assert key not in repr(getattr(error, "args", ()))


def test_no_more_than_fifty_requests_are_in_flight():
    fake = FakeTmdb(delay=0.02)

    async def ask(client):
        await asyncio.gather(*(client.fetch_movie(862) for _ in range(200)))

    _, client, _ = asking(fake, ask)
    assert client.get_counts() == {"requests": 200, "retries": 0, "most_in_flight": 50}
    assert fake.max_in_flight <= 50


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate():
    clock = Clock()
    bucket = TokenBucket(10, burst=3, clock=clock, sleep=clock.sleep)
    moments = []

    async def take():
        for _ in range(6):
            await bucket.take_token()
            moments.append(round(clock.now - 1000, 3))

    asyncio.run(take())
    assert moments == [0, 0, 0, 0.1, 0.2, 0.3]


def test_a_paused_bucket_gives_nothing_so_long():
    clock = Clock()
    bucket = TokenBucket(10, burst=3, clock=clock, sleep=clock.sleep)
    bucket.pause_for(5)
    asyncio.run(bucket.take_token())
    assert clock.now == 1005
