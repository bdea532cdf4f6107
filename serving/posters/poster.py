"""Posters drawn by ourselves, a series: SVG, 2:3, flat shapes in a few inks, the title set to fit.

One movie always gets the same poster; the address carries a version, which changes with the drawing.
"""

import re
import zlib
from collections.abc import Sequence
from html import escape
from string import Template
from typing import NamedTuple

from movierec.catalog.catalog import Movie
from movierec.tmdb.title_matching import names
from serving.posters.motifs import Inks
from serving.posters.styles import STANDING, look_of
from serving.posters.svg import noise
from serving.posters.typesetting import LINE, set_title

DRAWING = 2  # counts up when a change of the drawing changes the pictures
WIDTH, HEIGHT, MARGIN = 400, 600, 34
META, RULE = 566, 540  # where year and genres stand, and the line above them
GAP = 24  # between picture and title
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

POSTER = Template("""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 600" width="400" height="600">
<title>$title</title>
<defs>
<linearGradient id="light" x2=".7" y2="1">
<stop stop-color="#fff" stop-opacity=".1"/><stop offset=".5" stop-opacity="0"/><stop offset="1" stop-opacity=".16"/>
</linearGradient>
<linearGradient id="spine"><stop stop-opacity=".3"/><stop offset=".3" stop-opacity=".06"/>
<stop offset=".4" stop-color="#fff" stop-opacity=".1"/><stop offset="1" stop-opacity="0"/></linearGradient>
</defs>
<rect width="400" height="600" fill="$ground"/>
<svg x="$x" y="$y" width="$width" height="$height" viewBox="0 0 400 400" preserveAspectRatio="$anchor slice">
<rect x="-400" y="-400" width="1200" height="1200" fill="$field"/><g transform="$side">$picture</g>
</svg>
<g fill="$words" font-family="$family" font-weight="$weight">
$lines
</g>
<g fill="$words" font-family="$small" font-weight="600" font-size="17" letter-spacing="1.6">
<rect x="34" y="$rule" width="332" height="2" opacity=".45"/>
<text x="34" y="$meta">$genres</text><text x="367" y="$meta" text-anchor="end">$year</text>
</g>
<rect width="400" height="600" fill="url(#light)"/><rect width="26" height="600" fill="url(#spine)"/>
</svg>
""")
SMALL = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


class Layout(NamedTuple):
    """Where on the sheet things stand: the first line of the title, the rule, the genres, the picture."""

    title: float
    rule: int
    meta: int
    x: int
    y: float
    width: int
    height: float


def version(movie: Movie) -> str:
    """Changes when the poster of a movie does."""
    return f"{zlib.crc32(repr((DRAWING, movie.title, movie.year, movie.genres)).encode()):08x}"


def url(movie: Movie) -> str:
    return f"/posters/{movie.movie_id}?v={version(movie)}"


def poster(movie: Movie) -> str:
    """The poster as an SVG document."""
    seed = movie.movie_id
    palette, compose, face = look_of(movie.genres, seed)
    title = NOT_XML.sub("", names(movie.title)[0])
    lines, size = set_title(title.upper() if face.capitals else title)
    framed = noise(seed, 104) < 0.3
    layout = layout_of(len(lines), size, framed=framed, title_first=noise(seed, 105) < 0.28)
    field, last = (palette.third, palette.ground) if framed else (palette.ground, palette.third)
    return POSTER.substitute(
        title=clean(movie.title),
        ground=palette.ground,
        field=field,
        picture=compose(seed, Inks(field, palette.first, palette.second, last)),
        anchor="xMidYMax" if compose in STANDING else "xMidYMid",
        side="scale(-1 1) translate(-400 0)" if noise(seed, 106) < 0.5 else "",
        words=palette.words,
        family=face.family,
        weight=face.weight,
        small=SMALL,
        lines=text_lines(lines, size, layout.title),
        genres=clean(genre_line(movie.genres)),
        year=movie.year or "",
        **{name: f"{value:.0f}" for name, value in layout._asdict().items() if name != "title"},
    )


def layout_of(n_lines: int, size: int, *, framed: bool, title_first: bool) -> Layout:
    """Picture above the title, or the other way round; `framed` leaves a margin about it."""
    block = (n_lines - 1) * size * LINE
    side = MARGIN if framed else 0
    if title_first:
        first = MARGIN + 46 + size * 0.86
        top = first + block + size * 0.3 + GAP
        return Layout(first, 66, 52, side, top, WIDTH - 2 * side, HEIGHT - top - side)
    first = RULE - 20 - block - size * 0.22
    bottom = first - size * 0.86 - GAP
    return Layout(first, RULE, META, side, side, WIDTH - 2 * side, bottom - side)


def text_lines(lines: list[str], size: int, first: float) -> str:
    return "\n".join(
        f'<text x="{MARGIN}" y="{first + i * size * LINE:.0f}" font-size="{size}">{clean(line)}</text>'
        for i, line in enumerate(lines)
    )


def genre_line(genres: Sequence[str]) -> str:
    """Two genres, one where two would run into the year."""
    both = " · ".join(genres[:2]).upper()
    return both if len(both) <= 19 else genres[0].upper()


def clean(text: str) -> str:
    """As it may stand in XML."""
    return escape(NOT_XML.sub("", text))
