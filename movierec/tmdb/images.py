"""Images of movies: their URLs at TMDB, their file names here, and the checks on what is downloaded."""

from typing import Literal

ImageKind = Literal["poster", "backdrop"]

DEFAULT_HOST = "https://image.tmdb.org/t/p"  # MOVIEREC_TMDB_IMAGES says another
IMAGE_SIZES: dict[ImageKind, str] = {"poster": "w342", "backdrop": "w1280"}  # 342 pixels wide and 2:3; 1280 and 16:9
MAX_IMAGE_BYTES = 2 * 2**20  # a poster has about 30 kB, a backdrop 150
DEFAULT_CACHE_MB = 500  # of images that the site fetches itself; MOVIEREC_POSTER_CACHE_MB says another number
MAX_AGE_DAYS = 150  # then an image is fetched anew: TMDB lets nothing be kept longer than six months


def build_image_url(host: str, kind: ImageKind, path: str) -> str:
    """The URL of an image, by its path in the metadata."""
    return f"{host.rstrip('/')}/{IMAGE_SIZES[kind]}{path}"


def build_image_file_name(kind: ImageKind, path: str) -> str:
    """The name of an image's file on our disk, by its path in the metadata."""
    return f"{IMAGE_SIZES[kind]}-{path.removeprefix('/')}"


def detect_media_type(content: bytes) -> str | None:
    """The media type by the first bytes of the image, whatever its name; None if it is not JPEG, PNG or WebP."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def explain_invalid_image(content: bytes, content_type: str) -> str | None:
    """Why a download is not accepted as an image, in words; None if it is.

    It must be JPEG, PNG or WebP, of the announced type, with at most MAX_IMAGE_BYTES bytes.
    """
    if len(content) > MAX_IMAGE_BYTES:
        return f"more than {MAX_IMAGE_BYTES} bytes"
    found = detect_media_type(content)
    if found is None:
        return "no JPEG, PNG or WebP by its first bytes"
    told = content_type.partition(";")[0].strip().lower()
    return None if told == found else f"said to be {told or 'nothing'}, is {found}"
