import asyncio
import os
import time

import httpx
import pytest

from movierec.tmdb.images import MAX_IMAGE_BYTES, detect_media_type, explain_invalid_image
from resources.tmdb.posters import MAX_CONSECUTIVE_FAILURES, PosterFetcher, delete_old_posters
from tests.fake_tmdb import JPEG_BYTES, FakeTmdb
from tests.photographs import draw_photograph

HOST = "http://images.test/t/p"


async def at_once(seconds):
    await asyncio.sleep(0)


def fetched(fake, folder, paths, transport=None):
    fetch = PosterFetcher(HOST, folder, transport=transport or httpx.ASGITransport(fake.app), sleep=at_once)
    asyncio.run(fetch.fetch_posters(paths))
    return fetch


def test_posters_are_fetched_once_in_their_size(tmp_path):
    fake = FakeTmdb()
    assert fetched(fake, tmp_path, ["/a.jpg", "/b.jpg", "/a.jpg"]).counts["fetched"] == 2
    assert fake.requested_paths == ["/t/p/w342/a.jpg", "/t/p/w342/b.jpg"]
    assert (tmp_path / "w342-a.jpg").read_bytes() == JPEG_BYTES
    again = fetched(fake, tmp_path, ["/a.jpg", "/c.jpg"])
    assert (again.counts["kept"], again.counts["fetched"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "told", "fault"),
    [
        (JPEG_BYTES, "image/jpeg; charset=binary", None),
        (b"\x89PNG\r\n\x1a\n..", "IMAGE/PNG", None),
        (b"RIFF....WEBPVP8 ", "image/webp", None),
        (JPEG_BYTES, "text/html", "said to be text/html, is image/jpeg"),
        (JPEG_BYTES, "", "said to be nothing"),
        (b"<svg onload='x'/>", "image/svg+xml", "no JPEG"),
        (b"", "image/jpeg", "no JPEG"),
        (JPEG_BYTES + bytes(MAX_IMAGE_BYTES), "image/jpeg", "more than"),
    ],
)
def test_only_what_is_an_image_inside_and_outside_is_one(content, told, fault):
    found = explain_invalid_image(content, told)
    assert found is None if fault is None else fault in found


def test_what_is_no_image_is_not_written_and_leaves_the_rest(tmp_path):
    fake = FakeTmdb(image=b"<html>login</html>", image_type="text/html")
    found = fetched(fake, tmp_path, ["/a.jpg"])
    assert found.counts["failed"] == 1
    assert found.first_failure.startswith("/a.jpg: no JPEG")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_poster_is_asked_for_once_and_a_tired_host_again(tmp_path):
    fake = FakeTmdb(image_status=404)
    assert fetched(fake, tmp_path, ["/a.jpg"]).first_failure == "/a.jpg: status 404"
    assert len(fake.requested_paths) == 1
    fake = FakeTmdb(image_status=503)
    assert fetched(fake, tmp_path, ["/a.jpg"]).first_failure == "/a.jpg: status 503"
    assert len(fake.requested_paths) == 3


def test_an_answer_damaged_on_its_way_is_asked_for_again_and_leaves_the_rest(tmp_path):
    fake = FakeTmdb(image_encoding="gzip")
    found = fetched(fake, tmp_path, ["/a.jpg", "/b.jpg"])
    assert found.counts["failed"] == 2
    assert found.first_failure.endswith("DecodingError")
    assert len(fake.requested_paths) == 6


def test_a_host_that_is_not_there_is_given_up(tmp_path):
    def unreachable(request):
        raise httpx.ConnectError("no")

    found = fetched(None, tmp_path, [f"/{i}.jpg" for i in range(500)], httpx.MockTransport(unreachable))
    assert MAX_CONSECUTIVE_FAILURES <= found.counts["failed"] < MAX_CONSECUTIVE_FAILURES + 16
    assert found.counts["left"] + found.counts["failed"] == 500


def test_an_endless_image_is_cut_off(tmp_path):
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                yield JPEG_BYTES

    def answer(request):
        return httpx.Response(200, headers={"Content-Type": "image/jpeg"}, stream=Endless())

    assert "more than" in fetched(None, tmp_path, ["/a.jpg"], httpx.MockTransport(answer)).first_failure


def test_an_old_poster_is_fetched_anew_or_forgotten(tmp_path):
    fake = FakeTmdb()
    fetched(fake, tmp_path, ["/a.jpg", "/b.jpg"])
    long_ago = time.time() - 151 * 24 * 3600
    for file in tmp_path.iterdir():
        os.utime(file, (long_ago, long_ago))
    assert fetched(fake, tmp_path, ["/a.jpg"]).counts["fetched"] == 1
    assert delete_old_posters(tmp_path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["w342-a.jpg"]
    assert delete_old_posters(tmp_path / "nowhere") == 0


def test_each_poster_has_its_small_one_beside_it_and_both_grow_old_together(tmp_path):
    fake = FakeTmdb(image=draw_photograph)
    fetched(fake, tmp_path, ["/a.jpg"])
    large, small = tmp_path / "w342-a.jpg", tmp_path / "w342-a.jpg.card.webp"
    assert detect_media_type(small.read_bytes()) == "image/webp"
    small.unlink()
    some_time_ago = time.time() - 100 * 24 * 3600
    os.utime(large, (some_time_ago, some_time_ago))
    assert fetched(fake, tmp_path, ["/a.jpg"]).counts["kept"] == 1
    assert small.stat().st_mtime == large.stat().st_mtime
    assert len(fake.requested_paths) == 1


def test_a_poster_that_cannot_be_read_stays_large_and_is_told(tmp_path):
    found = fetched(FakeTmdb(image=draw_photograph("a")[:9000]), tmp_path, ["/a.jpg"])
    assert (found.counts["fetched"], found.counts["only_large"]) == (1, 1)
    assert found.first_unreadable.startswith("w342-a.jpg: OSError: image file is truncated")
    assert [file.name for file in tmp_path.iterdir()] == ["w342-a.jpg"]
