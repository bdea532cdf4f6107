"""The shapes that drawn posters are made of, as SVG, and chance that belongs to a movie."""

import hashlib
from collections.abc import Iterable
from math import cos, pi, sin


def noise(seed: int, i: int) -> float:
    """A number in [0, 1) that belongs to `seed` and `i` alone."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{i}".encode(), digest_size=4).digest()) / 2**32


def circle(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="{fill}"/>'


def ring(x: float, y: float, r: float, stroke: str, width: float) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="none" stroke="{stroke}" stroke-width="{width:.1f}"/>'


def rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def path(d: str, fill: str) -> str:
    return f'<path d="{d}" fill="{fill}"/>'


def polygon(fill: str, *points: tuple[float, float]) -> str:
    return f'<polygon points="{" ".join(f"{x:.0f},{y:.0f}" for x, y in points)}" fill="{fill}"/>'


def turned(degrees: float, x: float, y: float, parts: Iterable[str]) -> str:
    return f'<g transform="rotate({degrees:.0f} {x:.0f} {y:.0f})">{"".join(parts)}</g>'


def clipped(name: str, window: str, parts: Iterable[str]) -> str:
    """Only what lies inside `window`; `name` is the window's id in the drawing."""
    return f'<clipPath id="{name}">{window}</clipPath><g clip-path="url(#{name})">{"".join(parts)}</g>'


def wedge(x: float, y: float, start: float, end: float, fill: str) -> str:
    """A ray from a point out of the picture, between two angles in turns."""
    far = 900
    tips = [(x + far * cos(2 * pi * turn), y + far * sin(2 * pi * turn)) for turn in (start, end)]
    return polygon(fill, (x, y), *tips)
