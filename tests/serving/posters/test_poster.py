"""Posters: always there, always 2:3, always legible."""

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from movierec.catalog.catalog import Movie
from serving.posters.backdrop import BACKDROP_FILE, draw_backdrop
from serving.posters.motifs import Inks
from serving.posters.poster import build_poster_url, compute_layout, compute_version, draw_poster, format_genres
from serving.posters.styles import DEFAULT_STYLE, STYLES, DrawMotif
from serving.posters.typesetting import BOX_HEIGHT, BOX_WIDTH, LINE_HEIGHT, estimate_text_width, set_title
from tests.serving.conftest import Browser


def movie(title: str = "Up", year: int | None = 2009, genres: tuple[str, ...] = ("Animation",)) -> Movie:
    return Movie(7, title, year, genres, None, None, 0, None, None)


def test_a_poster_is_svg_of_two_by_three(browser: Browser) -> None:
    answer = browser.get("/posters/1")
    assert answer.headers["content-type"] == "image/svg+xml"
    root = ElementTree.fromstring(answer.text)  # noqa: S314  our own drawing
    assert root.attrib["viewBox"] == "0 0 400 600"


def test_only_the_address_with_the_right_version_is_kept_for_a_day(browser: Browser) -> None:
    (address,) = set(re.findall(r'src="(/posters/1\?v=\w+)"', browser.get("/movies/1").text))
    assert browser.get(address).headers["cache-control"] == "public, max-age=86400"
    assert browser.get(address, If_None_Match=browser.get(address).headers["etag"]).status_code == 304
    assert browser.get("/posters/1?v=old").headers["cache-control"] == "no-cache"
    assert browser.get("/posters/1").headers["cache-control"] == "no-cache"


def test_the_version_changes_with_what_the_poster_shows() -> None:
    versions = {
        compute_version(movie()),
        compute_version(movie("Down")),
        compute_version(movie(year=None)),
        compute_version(movie(genres=())),
    }
    assert len(versions) == 4
    assert build_poster_url(movie()) == f"/posters/7?v={compute_version(movie())}"


def test_posters_name_genres_as_the_page_does(browser: Browser) -> None:
    for path in ("/", "/movies/1", "/welcome", "/search", "/search/suggestions?q=movie"):
        english, russian = (
            {unescape(found) for found in re.findall(r'src="(/posters/[^"]+)"', browser.get(f"{path}{lang}").text)}
            for lang in ("", ("&" if "?" in path else "?") + "lang=ru")
        )
        assert russian == {f"{address}&lang=ru" for address in english}
        assert russian
    in_english, in_russian = browser.get("/posters/2?v=x"), browser.get("/posters/2?v=x&lang=ru")
    assert "ACTION · SCI-FI" in in_english.text
    assert "БОЕВИК</text>" in in_russian.text  # both would be too long
    assert in_english.headers["etag"] != in_russian.headers["etag"]
    assert browser.get("/posters/2?drawn=1&lang=ru").text == in_russian.text
    assert browser.get("/posters/2?lang=xx").text == in_english.text


def test_a_poster_in_another_language_is_kept_for_a_day_too(browser: Browser) -> None:
    address = f"{re.findall(r'/posters/1[?]v=[0-9a-f]+', browser.get('/movies/1').text)[0]}&lang=ru"
    assert browser.get(address).headers["cache-control"] == "public, max-age=86400"
    assert browser.get(address, If_None_Match=browser.get(address).headers["etag"]).status_code == 304


@pytest.mark.parametrize("genres", [("Мюзикл", "Мультфильм"), ("Мелодрама", "Комедия"), ("Приключения", "Ужасы")])
def test_wide_letters_leave_room_for_the_year(genres: tuple[str, str]) -> None:
    assert format_genres(genres) == genres[0].upper()  # 276 to 284 units in a wide bold font, where 279 are free
    assert format_genres(("Комедия", "Драма")) == "КОМЕДИЯ · ДРАМА"
    assert format_genres(("Drama", "Documentary")) == "DRAMA · DOCUMENTARY"


def test_there_is_no_poster_of_an_unknown_movie(browser: Browser) -> None:
    assert browser.get("/posters/999").status_code == 404


@pytest.mark.parametrize("genre", [*STYLES, "Anime", ""])
def test_every_genre_has_a_picture(genre: str) -> None:
    drawn = draw_poster(movie(genres=(genre,) if genre else ()))
    ElementTree.fromstring(drawn)  # noqa: S314  our own drawing
    assert drawn == draw_poster(movie(genres=(genre,) if genre else ()))


@pytest.mark.parametrize("title", ["<b>&\"'", "a\x00b\x0bc", "$title ${x}", "\ufffe", "", "   "])
def test_any_title_makes_well_formed_xml(title: str) -> None:
    ElementTree.fromstring(draw_poster(movie(title)))  # noqa: S314  our own drawing


@pytest.mark.parametrize(
    "title", ["Up", "The Lord of the Rings: The Fellowship of the Ring", "a" * 500, "of the " * 90]
)
def test_a_title_stays_in_its_box(title: str) -> None:
    lines, size = set_title(title)
    assert len(lines) * size * LINE_HEIGHT <= BOX_HEIGHT
    assert max(estimate_text_width(line) for line in lines) * size <= BOX_WIDTH * 1.03


def test_a_short_title_is_set_large_and_a_cut_one_says_so() -> None:
    assert set_title("Up")[1] > set_title("The Lord of the Rings: The Fellowship of the Ring")[1]
    assert set_title("of the " * 90)[0][-1].endswith("…")


def test_lines_are_about_as_long_as_each_other() -> None:
    assert set_title("Back to the Future")[0] == ["Back", "to the", "Future"]


def test_words_stand_out_from_their_ground() -> None:
    for palette in {palette for style in (*STYLES.values(), DEFAULT_STYLE) for palette in style.palettes}:
        assert contrast(palette.words, palette.ground) >= 4.5, palette


def contrast(one: str, other: str) -> float:
    """As WCAG has it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("n_lines", [1, 5])
@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("title_first", [True, False])
def test_picture_and_title_share_the_sheet_without_touching(n_lines: int, framed: bool, title_first: bool) -> None:
    layout = compute_layout(n_lines, 40, framed=framed, title_first=title_first)
    last = layout.title + (n_lines - 1) * 40 * LINE_HEIGHT
    if title_first:
        assert layout.meta < layout.rule < layout.title - 30 < last < layout.y
    else:
        assert layout.y + layout.height < layout.title - 30 < last < layout.rule < layout.meta
    assert layout.height > 200
    assert layout.y + layout.height <= 600


@pytest.mark.parametrize(
    "show", sorted({show for style in (*STYLES.values(), DEFAULT_STYLE) for show in style.motifs}, key=str)
)
def test_every_composition_is_well_formed_and_its_own_for_each_movie(show: DrawMotif) -> None:
    inks = Inks("#000000", "#111111", "#222222", "#333333")
    drawings = {show(seed, inks) for seed in range(30)}
    assert len(drawings) > 10
    for drawing in drawings:
        ElementTree.fromstring(f"<g>{drawing}</g>")  # noqa: S314  our own drawing


def test_no_line_starts_with_the_dash_of_an_episode() -> None:
    lines, _ = set_title("Star Wars: Episode IV - A New Hope")
    assert not any(line.startswith(("-", "–")) for line in lines)


def test_the_wall_behind_the_home_page_is_of_these_posters() -> None:
    """Run `python -m serving.posters.backdrop` when this fails."""
    assert BACKDROP_FILE.read_text() == draw_backdrop()
    ElementTree.fromstring(draw_backdrop())  # noqa: S314  our own drawing
    assert "clip-path" not in draw_backdrop()
