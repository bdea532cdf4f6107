"""Posters drawn by ourselves: SVG, 2:3, the title set to fit over a picture of the genre.

One movie always gets the same poster; the address carries a version, so it can be cached for good.
"""

import re
import zlib
from html import escape
from string import Template

from movierec.catalog import Movie
from serving.artwork import noise, style_of
from serving.lettering import LINE, set_title

DRAWING = 1  # counts up when a change of the drawing changes the pictures
TITLE_BOTTOM = 532
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

POSTER = Template("""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 600" width="400" height="600">
<title>$title</title>
<defs>
<linearGradient id="sky" x2="0" y2="1"><stop stop-color="$top"/><stop offset="1" stop-color="$bottom"/></linearGradient>
<linearGradient id="shade" x2="0" y2="1">
<stop stop-opacity=".74"/><stop offset=".2" stop-opacity="0"/><stop offset=".3" stop-opacity="0"/>
<stop offset=".62" stop-opacity=".66"/><stop offset="1" stop-opacity=".9"/>
</linearGradient>
</defs>
<rect width="400" height="600" fill="url(#sky)"/>
<g transform="$side">$picture</g>
<rect width="400" height="600" fill="url(#shade)"/>
<rect x="34" y="550" width="44" height="4" fill="$light"/>
<g fill="#fff" font-family="system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif" font-weight="700">
<text x="34" y="50" font-size="19" letter-spacing="2">$genres</text>
$lines
<text x="366" y="566" font-size="24" text-anchor="end">$year</text>
</g>
</svg>
""")


def version(movie: Movie) -> str:
    """Changes when the poster of a movie does."""
    return f"{zlib.crc32(repr((DRAWING, movie.title, movie.year, movie.genres)).encode()):08x}"


def url(movie: Movie) -> str:
    return f"/posters/{movie.movie_id}?v={version(movie)}"


def poster(movie: Movie) -> str:
    """The poster as an SVG document."""
    style = style_of(movie.genres, movie.movie_id)
    return POSTER.substitute(
        title=clean(movie.title),
        top=style.top,
        bottom=style.bottom,
        light=style.light,
        side="scale(-1 1) translate(-400 0)" if noise(movie.movie_id, 102) < 0.5 else "",
        picture=style.draw(movie.movie_id, style.light, style.dark),
        genres=clean(" · ".join(movie.genres[:2]).upper()),
        lines=title_lines(movie.title),
        year=movie.year or "",
    )


def title_lines(title: str) -> str:
    """The lines of the title, the last one at TITLE_BOTTOM."""
    lines, size = set_title(NOT_XML.sub("", title))
    first = TITLE_BOTTOM - (len(lines) - 1) * size * LINE
    return "\n".join(
        f'<text x="34" y="{first + i * size * LINE:.0f}" font-size="{size}">{clean(line)}</text>'
        for i, line in enumerate(lines)
    )


def clean(text: str) -> str:
    """As it may stand in XML."""
    return escape(NOT_XML.sub("", text))
