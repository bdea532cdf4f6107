"""Drawn posters: SVG with an aspect ratio of 2:3, flat shapes in a few colours, the title set to fit.

A movie always gets the same poster; only its genres are in the language of the page. Its URL carries a version that
changes when the drawing changes.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from html import escape
from string import Template
from typing import NamedTuple

from movierec.catalog.catalog import Movie
from movierec.tmdb.title_matching import alternative_titles
from serving.posters.motifs import Inks
from serving.posters.styles import BOTTOM_ANCHORED, choose_look
from serving.posters.svg import seeded_noise
from serving.posters.typesetting import LINE_HEIGHT, set_title

DRAWING_VERSION = 2  # counts up when a change of the drawing changes the pictures
WIDTH, HEIGHT, MARGIN = 400, 600, 34
META_Y, RULE_Y = 566, 540  # where year and genres stand, and the line above them
GAP = 24  # between picture and title
MAX_GENRE_UNITS = 19  # capital Latin letters of genres that leave room for the year beside them
NOT_XML_CHARACTERS = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

POSTER_TEMPLATE = Template("""\
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
SMALL_PRINT_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


NameGenre = Callable[[str], str]  # the name of a genre in a language; str for the names of the catalogue


class Layout(NamedTuple):
    """Positions in the poster: first baseline of the title, rule, line of genres and year, box of the picture."""

    title: float
    rule: int
    meta: int
    x: int
    y: float
    width: int
    height: float


def compute_version(movie: Movie, name_genre: NameGenre = str) -> str:
    """A hash that changes when the poster of the movie changes."""
    genres = tuple(map(name_genre, movie.genres))
    return f"{zlib.crc32(repr((DRAWING_VERSION, movie.title, movie.year, genres)).encode()):08x}"


def build_poster_url(movie: Movie) -> str:
    """The URL of the movie's poster with the genres in English, and with its version."""
    return f"/posters/{movie.movie_id}?v={compute_version(movie)}"


def draw_poster(movie: Movie, name_genre: NameGenre = str) -> str:
    """The poster as an SVG document, with the genres as `name_genre` names them."""
    seed = movie.movie_id
    palette, compose, face = choose_look(movie.genres, seed)
    title = NOT_XML_CHARACTERS.sub("", alternative_titles(movie.title)[0])
    lines, size = set_title(title.upper() if face.is_uppercase else title)
    framed = seeded_noise(seed, 104) < 0.3
    layout = compute_layout(len(lines), size, framed=framed, title_first=seeded_noise(seed, 105) < 0.28)
    field, last = (palette.third, palette.ground) if framed else (palette.ground, palette.third)
    return POSTER_TEMPLATE.substitute(
        title=escape_xml(movie.title),
        ground=palette.ground,
        field=field,
        picture=compose(seed, Inks(field, palette.first, palette.second, last)),
        anchor="xMidYMax" if compose in BOTTOM_ANCHORED else "xMidYMid",
        side="scale(-1 1) translate(-400 0)" if seeded_noise(seed, 106) < 0.5 else "",
        words=palette.words,
        family=face.family,
        weight=face.weight,
        small=SMALL_PRINT_FONTS,
        lines=draw_title_lines(lines, size, layout.title),
        genres=escape_xml(format_genres([name_genre(genre) for genre in movie.genres])),
        year=movie.year or "",
        **{name: f"{value:.0f}" for name, value in layout._asdict().items() if name != "title"},
    )


def compute_layout(n_lines: int, size: int, *, framed: bool, title_first: bool) -> Layout:
    """The layout with the picture above the title or below it; `framed` leaves a margin around the picture."""
    block = (n_lines - 1) * size * LINE_HEIGHT
    side = MARGIN if framed else 0
    if title_first:
        first = MARGIN + 46 + size * 0.86
        top = first + block + size * 0.3 + GAP
        return Layout(first, 66, 52, side, top, WIDTH - 2 * side, HEIGHT - top - side)
    first = RULE_Y - 20 - block - size * 0.22
    bottom = first - size * 0.86 - GAP
    return Layout(first, RULE_Y, META_Y, side, side, WIDTH - 2 * side, bottom - side)


def draw_title_lines(lines: list[str], size: int, first: float) -> str:
    """The lines of the title as SVG text, the first with its baseline at `first`."""
    return "\n".join(
        f'<text x="{MARGIN}" y="{first + i * size * LINE_HEIGHT:.0f}" font-size="{size}">{escape_xml(line)}</text>'
        for i, line in enumerate(lines)
    )


def format_genres(genres: Sequence[str]) -> str:
    """The first two genres; only one if two would overlap the year."""
    both = " · ".join(genres[:2]).upper()
    return both if sum(map(count_letter_units, both)) <= MAX_GENRE_UNITS else genres[0].upper()


def count_letter_units(letter: str) -> float:
    """The width of a capital letter in the line of genres, in units of a Latin one: Cyrillic ones are wider."""
    return 1.1 if "\u0400" <= letter <= "\u04ff" else 1.0


def escape_xml(text: str) -> str:
    """The text escaped for XML, without characters that XML does not allow."""
    return escape(NOT_XML_CHARACTERS.sub("", text))
