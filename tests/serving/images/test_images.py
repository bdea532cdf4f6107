"""Posters and backdrops of TMDB on the site: shown when they are there, waited for by nobody."""

import asyncio
import html
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import polars as pl
import pytest

from movierec.settings import Settings
from movierec.tmdb.metadata import DESCRIPTIONS
from resources.tmdb.posters import PosterFetcher
from serving.app import create_app
from serving.images.cache import ImageCache
from serving.images.fetcher import DEADLINE_SECONDS, MAX_FAILURES, MAX_WAITING, REST_SECONDS, ImageFetcher
from tests.factories import publish_small_bundle, publish_small_home
from tests.fake_tmdb import JPEG_BYTES, FakeTmdb, serve_app
from tests.photographs import draw_photograph
from tests.serving.conftest import Browser, open_browser, wait_until_true

DESCRIBED = {
    "movie_id": 1,
    "overview": "A toy <thinks>.",
    "tagline": "To infinity",
    "runtime": 81,
    "original_title": "玩具",
    "original_language": "zh",
    "directors": ["John Lasseter"],
    "cast": ["Tom Hanks", "Tim Allen"],
    "poster_path": "/a.jpg",
    "backdrop_path": "/b.jpg",
}


def describe(home: Path, *rows: dict[str, object]) -> None:
    path = home / "metadata" / "full" / "descriptions.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: [row.get(name) for row in rows] for name in DESCRIPTIONS}
    pl.DataFrame(columns, schema=DESCRIPTIONS).with_columns(pl.col("directors", "cast").fill_null([])).write_parquet(
        path
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    describe(publish_small_home(tmp_path), DESCRIBED, {"movie_id": 2})
    return tmp_path


@pytest.fixture
def fake() -> FakeTmdb:
    return FakeTmdb()


@pytest.fixture
def browser(home: Path, fake: FakeTmdb) -> Iterator[Browser]:
    with serve_app(fake.app) as address:
        app = create_app(Settings(home=home, tmdb_images=f"{address}/t/p"))
        yield Browser(app)
        app.state.site.image_store.close()


def is_image(browser: Browser, path: str) -> Callable[[], bool]:
    return lambda: browser.get(path).content == JPEG_BYTES


def test_the_first_request_is_drawn_at_once_and_a_later_one_gets_the_image(browser: Browser, fake: FakeTmdb) -> None:
    first = browser.get("/posters/1")
    assert first.headers["content-type"] == "image/svg+xml"
    assert first.headers["cache-control"] == "no-cache"
    assert wait_until_true(is_image(browser, "/posters/1"))
    answer = browser.get("/posters/1", If_None_Match=first.headers["etag"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=604800"
    assert browser.get("/posters/1", If_None_Match=answer.headers["etag"]).status_code == 304
    assert fake.requested_paths == ["/t/p/w342/a.jpg"]
    assert browser.get("/posters/1?drawn=1").content == first.content


def is_small(browser: Browser, path: str) -> Callable[[], bool]:
    return lambda: browser.get(path).headers["content-type"] == "image/webp"


def test_a_card_gets_the_small_one_and_the_page_of_the_movie_the_large_one(browser: Browser, fake: FakeTmdb) -> None:
    fake.image = draw_photograph("a")
    assert browser.get("/posters/1?size=card").headers["content-type"] == "image/svg+xml"
    assert wait_until_true(is_small(browser, "/posters/1?size=card"))
    answer = browser.get("/posters/1?size=card")
    assert answer.headers["cache-control"] == "public, max-age=604800"
    assert browser.get("/posters/1?size=card", If_None_Match=answer.headers["etag"]).status_code == 304
    large = browser.get("/posters/1")
    assert large.content == fake.image
    assert large.headers["etag"] != answer.headers["etag"]
    assert fake.requested_paths == ["/t/p/w342/a.jpg"]


def test_a_kept_poster_without_a_small_one_is_shown_large_until_that_is_made(home: Path, browser: Browser) -> None:
    kept = home / "posters" / "kept" / "w342-a.jpg"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(draw_photograph("a"))
    some_time_ago = time.time() - 100 * 24 * 3600
    os.utime(kept, (some_time_ago, some_time_ago))
    first = browser.get("/posters/1?size=card")
    assert (first.headers["content-type"], first.headers["cache-control"]) == ("image/jpeg", "no-cache")
    assert wait_until_true(is_small(browser, "/posters/1?size=card"))
    made = home / "posters" / "cache" / "w342-a.jpg.card.webp"
    assert made.stat().st_mtime == pytest.approx(some_time_ago, abs=1)


def test_a_poster_that_cannot_be_read_is_shown_as_it_is(
    browser: Browser, fake: FakeTmdb, caplog: pytest.LogCaptureFixture
) -> None:
    assert wait_until_true(is_image(browser, "/posters/1?size=card"))
    assert wait_until_true(lambda: "no small w342-a.jpg" in caplog.text)
    assert browser.get("/posters/1?size=card").headers["cache-control"] == "public, max-age=604800"


def test_home_with_sixty_fetched_posters_is_less_than_400_kb(tmp_path: Path, fake: FakeTmdb) -> None:
    publish_small_bundle(tmp_path, n_movies=50)
    describe(tmp_path, *({"movie_id": i, "poster_path": f"/{i}.jpg"} for i in range(1, 53)))
    fetch = PosterFetcher(
        "http://images.test/t/p", tmp_path / "posters" / "kept", transport=httpx.ASGITransport(fake.app)
    )
    fake.image = draw_photograph
    asyncio.run(fetch.fetch_posters(f"/{i}.jpg" for i in range(1, 53)))
    browser = open_browser(tmp_path)
    home = browser.get("/?user_id=1", Accept_Encoding="gzip")
    # Some movies are on the page twice; they count twice, as sixty different ones would.
    shown = [html.unescape(path) for path in re.findall(r'src="(/posters/[^"]+)"', home.text)][:60]
    posters = [browser.get(path) for path in shown]
    parts = [browser.get(path) for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', home.text)]
    assert {answer.headers["content-type"] for answer in posters} == {"image/webp"}
    assert len(posters) == 60
    sizes = [sum(int(answer.headers["content-length"]) for answer in answers) for answers in ([home], parts, posters)]
    assert sum(sizes) < 400_000, sizes


def test_nobody_waits_for_a_slow_host(browser: Browser, fake: FakeTmdb) -> None:
    fake.delay = 3600
    assert [browser.get("/posters/1").headers["content-type"] for _ in range(3)] == ["image/svg+xml"] * 3
    assert wait_until_true(lambda: len(fake.requested_paths) == 1)


def test_what_the_graph_fetched_needs_no_network(home: Path, browser: Browser, fake: FakeTmdb) -> None:
    kept = home / "posters" / "kept" / "w342-a.jpg"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(JPEG_BYTES + b"kept")
    assert browser.get("/posters/1").content == JPEG_BYTES + b"kept"
    assert fake.requested_paths == []


def test_a_movie_without_a_poster_at_tmdb_keeps_its_drawn_one(browser: Browser, fake: FakeTmdb) -> None:
    for movie_id in (2, 3):
        assert browser.get(f"/posters/{movie_id}").headers["content-type"] == "image/svg+xml"
    assert browser.get("/posters/999").status_code == 404
    assert fake.requested_paths == []


@pytest.mark.parametrize(("status", "kind"), [(404, "image/jpeg"), (200, "text/html")])
def test_what_the_host_has_not_is_asked_for_once_and_stays_drawn(
    browser: Browser, fake: FakeTmdb, status: int, kind: str
) -> None:
    fake.image_status, fake.image_type = status, kind
    page = browser.get("/movies/1").text
    address = page.split('class="movie-poster" src="')[1].split('"')[0]
    assert browser.get(address).headers["cache-control"] == "no-cache"
    assert wait_until_true(lambda: browser.get(address).headers["cache-control"] == "public, max-age=86400")
    assert browser.get(address).headers["content-type"] == "image/svg+xml"
    assert fake.requested_paths.count("/t/p/w342/a.jpg") == 1


def test_a_site_without_a_cache_fetches_nothing(home: Path, fake: FakeTmdb) -> None:
    with serve_app(fake.app) as address:
        browser = Browser(create_app(Settings(home=home, tmdb_images=f"{address}/t/p", poster_cache_mb=0)))
        assert browser.get("/posters/1").headers["content-type"] == "image/svg+xml"
        assert fake.requested_paths == []


def test_a_movie_page_tells_what_tmdb_says(browser: Browser) -> None:
    page = browser.get("/movies/1").text
    for text in ("A toy &lt;thinks&gt;.", "To infinity", "1 h 21 min", "John Lasseter", "Tom Hanks, Tim Allen"):
        assert text in page
    assert '<dd lang="zh">玩具</dd>' in page
    assert 'src="/backdrops/1"' in page
    assert "This product uses the TMDB API but is not endorsed or certified by TMDB." in page


def test_tmdbs_logo_stands_in_the_footer_where_the_operator_has_put_it(browser: Browser) -> None:
    logo = browser.app.state.site.image_store.logo
    assert "/tmdb-logo.svg" not in browser.get("/").text
    assert browser.get("/tmdb-logo.svg").status_code == 404
    logo.parent.mkdir(exist_ok=True)
    logo.write_text("<svg/>")
    assert 'src="/tmdb-logo.svg"' in browser.get("/").text
    assert browser.get("/tmdb-logo.svg").headers["content-type"] == "image/svg+xml"


def test_a_movie_page_without_a_description_has_no_empty_places(browser: Browser) -> None:
    described, *others = (browser.get(f"/movies/{movie_id}").text for movie_id in (1, 2, 3))
    for place in ("<dt>", "/backdrops/"):
        assert place in described.split("<footer")[0]
        assert all(place not in page.split("<footer")[0] for page in others)


def test_without_metadata_nobody_is_told_of_tmdb(tmp_path: Path) -> None:
    page = Browser(create_app(Settings(home=publish_small_home(tmp_path)))).get("/movies/1").text
    assert ">Movie 1</h1>" in page
    assert "uses the TMDB API" not in page


def test_a_backdrop_comes_later_too(browser: Browser) -> None:
    assert browser.get("/backdrops/1").headers["content-type"] == "image/svg+xml"
    assert wait_until_true(is_image(browser, "/backdrops/1"))
    drawn = browser.get("/backdrops/2")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.headers["cache-control"] == "public, max-age=86400"
    assert browser.get("/backdrops/x").status_code == 404


def test_broken_descriptions_leave_the_page_whole(home: Path, browser: Browser) -> None:
    (home / "metadata" / "full" / "descriptions.parquet").write_bytes(b"no parquet")
    assert browser.get("/movies/1").status_code == 200
    assert browser.get("/posters/1").status_code == 200


# The cache


def test_the_cache_keeps_within_its_bound_what_was_used_last(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 1000)
    now = time.time()
    for i, name in enumerate("abc"):
        cache.write_image(name, bytes(300))
        os.utime(tmp_path / name, (now - 900 + i, now - 1000))  # used since: the disk itself would not note a read
    assert cache.read_image("a") == bytes(300)
    cache.write_image("d", bytes(300))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "c", "d"]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 1000


def test_an_image_that_is_too_old_is_none(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 1000)
    cache.write_image("a", b"x")
    os.utime(tmp_path / "a", (time.time(), time.time() - 151 * 24 * 3600))
    assert cache.read_image("a") is None


def test_what_is_being_written_is_left_alone_and_what_a_killed_process_left_is_not(tmp_path: Path) -> None:
    written, left = tmp_path / ".a.1.part", tmp_path / ".b.2.part"
    for part in (written, left):
        part.write_bytes(bytes(2000))
    os.utime(left, (0, 0))
    ImageCache(tmp_path, 1000).write_image("c", bytes(300))
    assert sorted(file.name for file in tmp_path.iterdir()) == [".a.1.part", "c"]


def test_caches_over_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    """As of several processes: each writes and evicts, and no read ever sees half an image."""
    errors: list[Exception] = []
    found: list[bytes | None] = []

    def use(number: int) -> None:
        cache = ImageCache(tmp_path, 20_000)
        try:
            for i in range(60):
                cache.write_image(f"{number}-{i % 20}", bytes([number]) * 3000)
                found.append(cache.read_image(f"{number}-{i % 20}"))
                found.append(cache.read_image(f"{(number + 1) % 3}-{i % 20}"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=use, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    images = {bytes([number]) * 3000 for number in range(3)}
    assert images <= set(found) <= images | {None}
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 20_000


# The fetcher


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Host:
    """Answers with `status`, or not at all."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.status is None:
            raise httpx.ConnectTimeout("no")
        return httpx.Response(self.status, content=JPEG_BYTES, headers={"Content-Type": "image/jpeg"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """One thread, so that the images are fetched in turn."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def fetcher(tmp_path: Path, host: Host, clock: Clock, threads: ThreadPoolExecutor) -> Iterator[ImageFetcher]:
    found = make_fetcher(tmp_path, host, threads, clock)
    yield found
    found.close()


def make_fetcher(
    folder: Path,
    host: Callable[[httpx.Request], httpx.Response],
    threads: ThreadPoolExecutor,
    clock: Callable[[], float] = time.monotonic,
) -> ImageFetcher:
    transport = httpx.MockTransport(host)
    cache = ImageCache(folder, 10**6)
    return ImageFetcher("http://images.test", cache, transport=transport, clock=clock, threads=threads)


def fetch(fetcher: ImageFetcher, threads: ThreadPoolExecutor, path: str) -> None:
    """Asks for a poster and waits until the thread is done with it."""
    fetcher.request_image("poster", path)
    threads.submit(bool).result(timeout=20)


@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_a_host_in_trouble_is_left_alone_for_a_while(
    fetcher: ImageFetcher, threads: ThreadPoolExecutor, host: Host, clock: Clock, status: int | None
) -> None:
    host.status = status
    for i in range(MAX_FAILURES + 3):
        fetch(fetcher, threads, f"/{i}.jpg")
    assert host.asked == MAX_FAILURES
    clock.now += REST_SECONDS + 1
    fetch(fetcher, threads, "/x.jpg")
    assert host.asked == MAX_FAILURES + 1
    fetch(fetcher, threads, "/y.jpg")
    assert host.asked == MAX_FAILURES + 1, "it failed again, so it rests again"
    clock.now += REST_SECONDS + 1
    host.status = 200
    fetch(fetcher, threads, "/x.jpg")
    fetch(fetcher, threads, "/y.jpg")
    assert fetcher.cache.read_image("w342-y.jpg") == JPEG_BYTES


def test_a_disk_that_takes_nothing_is_trouble_too(
    fetcher: ImageFetcher, threads: ThreadPoolExecutor, host: Host, tmp_path: Path
) -> None:
    fetcher.cache.folder = tmp_path / "file" / "in"
    (tmp_path / "file").write_text("")
    for i in range(MAX_FAILURES + 3):
        fetch(fetcher, threads, f"/{i}.jpg")
    assert host.asked == MAX_FAILURES


def test_an_image_is_fetched_once_at_a_time_and_few_wait(tmp_path: Path) -> None:
    may_answer, asked = threading.Event(), []

    def slow(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        may_answer.wait(20)
        return httpx.Response(200, content=JPEG_BYTES, headers={"Content-Type": "image/jpeg"})

    with ThreadPoolExecutor(4) as threads:
        fetcher = make_fetcher(tmp_path, slow, threads)
        for i in range(MAX_WAITING * 2):
            fetcher.request_image("poster", f"/{i}.jpg")
            fetcher.request_image("poster", "/0.jpg")
        may_answer.set()
    assert len(asked) == len(set(asked)) == MAX_WAITING


def test_an_image_that_never_ends_or_is_too_slow_is_given_up(
    tmp_path: Path, clock: Clock, threads: ThreadPoolExecutor
) -> None:
    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                clock.now += 1
                yield b"\xff\xd8\xff"

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Type": "image/jpeg"}, stream=Dripping())

    fetcher = make_fetcher(tmp_path, answer, threads, clock)
    fetch(fetcher, threads, "/a.jpg")
    assert 1000 + DEADLINE_SECONDS < clock.now < 1000 + 2 * DEADLINE_SECONDS
    assert fetcher.cache.read_image("w342-a.jpg") is None
