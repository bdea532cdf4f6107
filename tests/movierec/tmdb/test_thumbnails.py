import io
import zlib

import pytest
from PIL import Image

from movierec.tmdb.images import detect_media_type
from movierec.tmdb.thumbnails import THUMBNAIL_SIZE, UnreadableImageError, make_thumbnail
from tests.photographs import draw_photograph


def picture(mode: str, size: tuple[int, int], kind: str) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 0).save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        draw_photograph("a"),
        draw_photograph("a", "PNG"),
        draw_photograph("a", "WEBP"),
        picture("CMYK", (342, 513), "JPEG"),
        picture("RGBA", (342, 513), "PNG"),
        picture("P", (10, 2000), "PNG"),
    ],
)
def test_every_image_becomes_a_webp_of_the_size_of_a_card(content):
    made = make_thumbnail(content)
    assert detect_media_type(made) == "image/webp"
    assert Image.open(io.BytesIO(made)).size == THUMBNAIL_SIZE
    assert len(made) < 6_500


def bomb(side: int) -> bytes:
    """A PNG of few bytes that unpacks to many pixels."""
    content = bytearray(picture("1", (8, 8), "PNG"))
    content[16:24] = side.to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        draw_photograph("a")[:5000],
        draw_photograph("a", "PNG")[:5000],
        draw_photograph("a", "WEBP")[:5000],
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(300),
        b"GIF89a" + bytes(100),
        b"",
        bomb(2_500),
        bomb(10_000),
        bomb(60_000),
    ],
)
def test_what_is_broken_or_far_too_large_is_named_as_such(content):
    with pytest.raises(UnreadableImageError):
        make_thumbnail(content)
