"""Posters: always there, always 2:3, always legible."""

import re
from xml.etree import ElementTree

import pytest

from movierec.catalog import Movie
from serving.artwork import STYLES
from serving.lettering import BOX_HEIGHT, BOX_WIDTH, LINE, set_title, text_width
from serving.posters import poster, url, version
from tests.serving.conftest import Browser


def movie(title: str = "Up", year: int | None = 2009, genres: tuple[str, ...] = ("Animation",)) -> Movie:
    return Movie(7, title, year, genres, None, None, 0, None, None)


def test_a_poster_is_svg_of_two_by_three(browser: Browser) -> None:
    answer = browser.get("/posters/1")
    assert answer.headers["content-type"] == "image/svg+xml"
    root = ElementTree.fromstring(answer.text)  # noqa: S314  our own drawing
    assert root.attrib["viewBox"] == "0 0 400 600"


def test_only_the_address_with_the_right_version_is_kept_for_good(browser: Browser) -> None:
    (address,) = set(re.findall(r'src="(/posters/1\?v=\w+)"', browser.get("/movies/1").text))
    assert "immutable" in browser.get(address).headers["cache-control"]
    assert browser.get("/posters/1?v=old").headers["cache-control"] == "no-cache"
    assert browser.get("/posters/1").headers["cache-control"] == "no-cache"


def test_the_version_changes_with_what_the_poster_shows() -> None:
    versions = {version(movie()), version(movie("Down")), version(movie(year=None)), version(movie(genres=()))}
    assert len(versions) == 4
    assert url(movie()) == f"/posters/7?v={version(movie())}"


def test_there_is_no_poster_of_an_unknown_movie(browser: Browser) -> None:
    assert browser.get("/posters/999").status_code == 404


@pytest.mark.parametrize("genre", [*STYLES, "Anime", ""])
def test_every_genre_has_a_picture(genre: str) -> None:
    drawn = poster(movie(genres=(genre,) if genre else ()))
    ElementTree.fromstring(drawn)  # noqa: S314  our own drawing
    assert drawn == poster(movie(genres=(genre,) if genre else ()))


@pytest.mark.parametrize("title", ["<b>&\"'", "a\x00b\x0bc", "$title ${x}", "\ufffe", "", "   "])
def test_any_title_makes_well_formed_xml(title: str) -> None:
    ElementTree.fromstring(poster(movie(title)))  # noqa: S314  our own drawing


@pytest.mark.parametrize(
    "title", ["Up", "The Lord of the Rings: The Fellowship of the Ring", "a" * 500, "of the " * 90]
)
def test_a_title_stays_in_its_box(title: str) -> None:
    lines, size = set_title(title)
    assert len(lines) * size * LINE <= BOX_HEIGHT
    assert max(text_width(line) for line in lines) * size <= BOX_WIDTH * 1.03


def test_a_short_title_is_set_large_and_a_cut_one_says_so() -> None:
    assert set_title("Up")[1] > set_title("The Lord of the Rings: The Fellowship of the Ring")[1]
    assert set_title("of the " * 90)[0][-1].endswith("…")


def test_no_line_starts_with_the_dash_of_an_episode() -> None:
    lines, _ = set_title("Star Wars: Episode IV - A New Hope")
    assert not any(line.startswith(("-", "–")) for line in lines)
