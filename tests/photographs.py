"""Generated images that resemble photographs and have the file size of a TMDB poster, which we may not store here."""

import io
import zlib

import numpy as np
from PIL import Image, ImageDraw

SIZE = (342, 513)
STRENGTH_BY_CELLS = {3: 90, 8: 45, 24: 22, 70: 12, 171: 7}  # how fine each is: how strong
GRAIN = 4


def draw_photograph(name: str, image_format: str = "JPEG") -> bytes:
    """An image in soft colours with grain, some hard edges and text; the same for the same name."""
    width, height = SIZE
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    light = np.full((height, width, 3), 110.0) + rng.normal(scale=GRAIN, size=(height, width, 1))
    for cells, strength in STRENGTH_BY_CELLS.items():
        coloured = rng.normal(size=(cells * 3 // 2, cells, 3))
        patches = 0.65 * coloured.mean(axis=2, keepdims=True) + 0.35 * coloured
        for channel in range(3):
            layer = Image.fromarray(patches[..., channel].astype(np.float32))
            light[..., channel] += strength * np.asarray(layer.resize(SIZE, Image.Resampling.BICUBIC))
    image = Image.fromarray(light.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for x, y, radius, *colour in rng.integers([0, 0, 10, 0, 0, 0], [width, height, 70, 255, 255, 255], size=(6, 6)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(map(int, colour)))
    draw.text((30, 430), name[:12].upper(), font_size=44, fill="white")
    made = io.BytesIO()
    image.save(made, image_format, quality=85)
    return made.getvalue()
