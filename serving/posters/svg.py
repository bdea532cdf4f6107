"""SVG elements for drawn posters, and random numbers that depend only on a seed."""

import hashlib
from collections.abc import Iterable
from math import cos, pi, sin


def seeded_noise(seed: int, i: int) -> float:
    """A pseudo-random number in [0, 1) that depends only on `seed` and `i`."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{i}".encode(), digest_size=4).digest()) / 2**32


def filled_circle(x: float, y: float, r: float, fill: str) -> str:
    """A filled circle."""
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="{fill}"/>'


def outlined_circle(x: float, y: float, r: float, stroke: str, width: float) -> str:
    """The outline of a circle."""
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="none" stroke="{stroke}" stroke-width="{width:.1f}"/>'


def filled_rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A filled rectangle."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def filled_path(d: str, fill: str) -> str:
    """A filled path; `d` are its SVG path commands."""
    return f'<path d="{d}" fill="{fill}"/>'


def filled_polygon(fill: str, *points: tuple[float, float]) -> str:
    """A filled polygon."""
    return f'<polygon points="{" ".join(f"{x:.0f},{y:.0f}" for x, y in points)}" fill="{fill}"/>'


def rotated_group(degrees: float, x: float, y: float, parts: Iterable[str]) -> str:
    """The parts, rotated by `degrees` around (x, y)."""
    return f'<g transform="rotate({degrees:.0f} {x:.0f} {y:.0f})">{"".join(parts)}</g>'


def clipped_group(name: str, window: str, parts: Iterable[str]) -> str:
    """The parts, clipped to the shape `window`; `name` is the id of the clip path in the document."""
    return f'<clipPath id="{name}">{window}</clipPath><g clip-path="url(#{name})">{"".join(parts)}</g>'


def filled_wedge(x: float, y: float, start: float, end: float, fill: str) -> str:
    """A wedge from (x, y) to beyond the picture, between two angles in turns (1 is the full circle)."""
    far = 900
    tips = [(x + far * cos(2 * pi * turn), y + far * sin(2 * pi * turn)) for turn in (start, end)]
    return filled_polygon(fill, (x, y), *tips)
