"""Thumbnails: posters in the size of a card."""

import io

from PIL import Image, ImageOps

THUMBNAIL_SIZE = (220, 330)  # a card of the widest strip at 1.3 pixels a point; sixty of these are about 320 kB
WEBP_QUALITY = 50  # of WebP
MAX_PIXELS = 4_000_000  # a poster of TMDB's has 175,000; a few bytes may unpack to thousands of millions


class UnreadableImageError(Exception):
    """An image cannot be decoded, or has too many pixels."""


def build_thumbnail_file_name(original: str) -> str:
    """The file name of the thumbnail, which lies beside the original."""
    return f"{original}.card.webp"


def make_thumbnail(content: bytes) -> bytes:
    """A WebP thumbnail of THUMBNAIL_SIZE, cropped to 2:3 like on the page. Raises UnreadableImageError."""
    try:
        return _resize_to_thumbnail(content)
    except Exception as error:  # decoders of broken files raise whatever they stumble over
        raise UnreadableImageError(f"{type(error).__name__}: {error}") from error


def _resize_to_thumbnail(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"{image.width} by {image.height} pixels")
        image.draft("RGB", THUMBNAIL_SIZE)
        whole = image.convert("RGBA" if image.has_transparency_data else "RGB")
    made = io.BytesIO()
    ImageOps.fit(whole, THUMBNAIL_SIZE).save(made, "WEBP", quality=WEBP_QUALITY, method=6)
    return made.getvalue()
