"""The pictures on the posters: a palette and a drawing per genre, moved about by a seed."""

import hashlib
import itertools
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

Draw = Callable[[int, str, str], str]


def noise(seed: int, i: int) -> float:
    """A number in [0, 1) that belongs to `seed` and `i` alone."""
    return int.from_bytes(hashlib.blake2b(f"{seed}:{i}".encode(), digest_size=4).digest()) / 2**32


def circle(x: float, y: float, r: float, fill: str, *, opacity: float = 1) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="{fill}" opacity="{opacity:.2f}"/>'


def path(d: str, fill: str, *, opacity: float = 1) -> str:
    return f'<path d="{d}" fill="{fill}" opacity="{opacity:.2f}"/>'


def rect(x: float, y: float, width: float, height: float, fill: str, *, opacity: float = 1) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return f'<rect x="{x:.0f}" y="{y:.0f}" {size} fill="{fill}" opacity="{opacity:.2f}"/>'


def turned(degrees: float, x: float, y: float, parts: Iterable[str]) -> str:
    return f'<g transform="rotate({degrees:.0f} {x:.0f} {y:.0f})">{"".join(parts)}</g>'


def hills(seed: int, light: str, dark: str) -> str:
    """A low sun over three ranges."""
    sun = circle(90 + 220 * noise(seed, 0), 150 + 60 * noise(seed, 1), 72, light)
    ranges = (
        path(
            f"M0 {top} Q{100 + 60 * noise(seed, i):.0f} {top - 90} 210 {top - 10} T400 {top - 40} V600 H0z",
            dark,
            opacity=0.35 + 0.2 * i,
        )
        for i, top in enumerate((290, 345, 400))
    )
    return sun + "".join(ranges)


def rays(seed: int, light: str, dark: str) -> str:
    """A burst from one point."""
    x = 120 + 160 * noise(seed, 0)
    beams = (path(f"M{x:.0f} 250 L{130 * i - 500} -150 L{130 * i - 440} -150z", light, opacity=0.5) for i in range(11))
    return "".join(beams) + circle(x, 250, 64, dark) + circle(x, 250, 46, light)


def orbits(seed: int, light: str, dark: str) -> str:
    """A planet, its paths and its stars."""
    x, y = 130 + 140 * noise(seed, 0), 170 + 50 * noise(seed, 1)
    stars = (
        circle(400 * noise(seed, 10 + i), 340 * noise(seed, 40 + i), 1 + 2 * noise(seed, 70 + i), light)
        for i in range(22)
    )
    rings = (
        f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{rx}" ry="{rx // 3}" fill="none" stroke="{light}" opacity=".55"/>'
        for rx in (118, 168, 230)
    )
    planet = circle(x, y, 70, light) + circle(x + 22, y + 14, 62, dark, opacity=0.45)
    return "".join(stars) + planet + turned(20 * noise(seed, 2) - 28, x, y, rings)


def blinds(seed: int, light: str, dark: str) -> str:
    """Light through a blind, and somebody in a hat."""
    x = 130 + 150 * noise(seed, 1)
    slats = (rect(-80, 20 + 38 * i, 560, 17, light, opacity=0.6) for i in range(10))
    coat = path(f"M{x - 95:.0f} 470 Q{x - 80:.0f} 300 {x:.0f} 290 Q{x + 80:.0f} 300 {x + 95:.0f} 470z", dark)
    brim = f"M{x - 78:.0f} 214 H{x + 78:.0f} L{x + 50:.0f} 196 Q{x:.0f} 150 {x - 50:.0f} 196z"
    return turned(10 * noise(seed, 0) - 14, 200, 200, slats) + coat + circle(x, 238, 48, dark) + path(brim, dark)


def spires(seed: int, light: str, dark: str) -> str:
    """A moon behind bare spires."""
    moon = circle(90 + 220 * noise(seed, 0), 160, 84, light)
    tops = ((28 * i, 220 + 150 * noise(seed, 10 + i)) for i in range(16))
    return moon + "".join(path(f"M{x - 22} 480 L{x} {top:.0f} L{x + 22} 480z", dark) for x, top in tops)


def bubbles(seed: int, light: str, dark: str) -> str:
    """Round and light-hearted."""
    return "".join(
        circle(
            400 * noise(seed, 10 + i),
            40 + 300 * noise(seed, 40 + i),
            16 + 62 * noise(seed, 70 + i),
            light if i % 3 else dark,
            opacity=0.3 + 0.1 * (i % 5),
        )
        for i in range(11)
    )


def panes(seed: int, light: str, dark: str) -> str:
    """Tall panes of unequal light: a window, a stage, a shelf."""
    edges = [0.0, *sorted(60 + 280 * noise(seed, i) for i in range(4)), 400.0]
    return "".join(
        rect(left, 40 + 110 * noise(seed, 20 + i), right - left, 400, dark if i % 2 else light, opacity=0.35 + 0.1 * i)
        for i, (left, right) in enumerate(itertools.pairwise(edges))
    )


class Style(NamedTuple):
    """Top and bottom of the sky, the bright and the dark of the picture."""

    top: str
    bottom: str
    light: str
    dark: str
    draw: Draw


# The telling genres before the common ones.
STYLES = {
    "Film-Noir": Style("#3c4048", "#0d0e11", "#cfd3da", "#0a0b0d", blinds),
    "Western": Style("#d9803f", "#4a1d12", "#ffd98a", "#4f1f10", hills),
    "Horror": Style("#6d1220", "#12060a", "#f2d5c4", "#1a070c", spires),
    "Musical": Style("#8a2f8f", "#27103f", "#ffb3e1", "#3b1459", rays),
    "War": Style("#6b6a45", "#1e1f16", "#e3cf9a", "#26271b", hills),
    "Animation": Style("#1d9a8f", "#0b3350", "#ffe48f", "#0d4a63", bubbles),
    "Documentary": Style("#3f5d72", "#131d27", "#cfe3ee", "#182733", panes),
    "Sci-Fi": Style("#23307f", "#0a0d26", "#8fd0ff", "#10154a", orbits),
    "Mystery": Style("#33506b", "#0f1623", "#e0c98f", "#101a2b", blinds),
    "Fantasy": Style("#5b3aa6", "#191038", "#f0c6ff", "#2a175c", orbits),
    "Children": Style("#e0883a", "#7a2444", "#fff0b8", "#a53a4c", bubbles),
    "Crime": Style("#7d3a32", "#170c0e", "#f0b48c", "#1d0d0f", blinds),
    "Romance": Style("#c8506e", "#471430", "#ffd3c9", "#5e1a3c", hills),
    "Thriller": Style("#1f5a63", "#081a1f", "#bfe6df", "#0a2228", spires),
    "Adventure": Style("#2f8a5b", "#0c2b2c", "#ffe3a1", "#0e3a35", hills),
    "Action": Style("#c2452d", "#330d12", "#ffc65c", "#5a1717", rays),
    "Comedy": Style("#d99a2b", "#6b2f1a", "#fff1c2", "#94481d", bubbles),
    "Drama": Style("#4c5a86", "#151a2e", "#d3d9f2", "#1d2440", panes),
    "IMAX": Style("#27708f", "#0b2133", "#c9efff", "#0e3049", orbits),
}
PLAIN = Style("#4a4f5c", "#15171d", "#c3c8d4", "#20232c", panes)


def style_of(genres: Collection[str], seed: int) -> Style:
    """Colours of one of the two most telling genres, the drawing of any: movies of a kind look akin, not alike."""
    told = [style for genre, style in STYLES.items() if genre in genres] or [PLAIN]
    colours = told[:2][-1] if noise(seed, 100) < 0.4 else told[0]
    return colours._replace(draw=told[int(noise(seed, 101) * len(told))].draw)
