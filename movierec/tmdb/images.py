"""Images of movies: where TMDB has them, what they are called here, what is accepted as one."""

from typing import Literal

Kind = Literal["poster", "backdrop"]

HOST = "https://image.tmdb.org/t/p"  # MOVIEREC_TMDB_IMAGES says another
SIZES: dict[Kind, str] = {"poster": "w342", "backdrop": "w1280"}  # 342 pixels wide and 2:3; 1280 and 16:9
MAX_BYTES = 2 * 2**20  # a poster has about 30 kB, a backdrop 150
CACHE_MB = 500  # of images that the site fetches itself; MOVIEREC_POSTER_CACHE_MB says another number
KEPT_DAYS = 150  # then an image is fetched anew: TMDB lets nothing be kept longer than six months


def address(host: str, kind: Kind, path: str) -> str:
    """Of an image by its path in the metadata."""
    return f"{host.rstrip('/')}/{SIZES[kind]}{path}"


def file_name(kind: Kind, path: str) -> str:
    """Of an image on our disk, told by its path in the metadata."""
    return f"{SIZES[kind]}-{path.removeprefix('/')}"


def media_type(content: bytes) -> str | None:
    """What the first bytes say the image is, whatever its name; None for what is none of ours."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def fault_of(content: bytes, content_type: str) -> str | None:
    """Why what an image host sent is no image for us; None where it is one."""
    if len(content) > MAX_BYTES:
        return f"more than {MAX_BYTES} bytes"
    found = media_type(content)
    if found is None:
        return "no JPEG, PNG or WebP by its first bytes"
    told = content_type.partition(";")[0].strip().lower()
    return None if told == found else f"said to be {told or 'nothing'}, is {found}"
