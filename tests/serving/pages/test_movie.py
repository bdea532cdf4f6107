"""The catalogue, page by page, and the page of one movie."""

import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from serving.pages import grid
from tests.broken import Broken, break_ranker, serve_changed_bundle
from tests.factories import publish_small_bundle
from tests.serving.conftest import Browser, open_browser
from tests.serving.visits import find_linked_titles

HOSTILE = '<script>alert("1")</script> & \x0b Co'


@pytest.fixture(scope="module")
def hostile_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """42 movies, the first with a hostile title."""
    home = tmp_path_factory.mktemp("hostile")
    publish_small_bundle(home, titles={1: HOSTILE})
    return home


@pytest.fixture
def small_pages(hostile_home: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The 42 movies on six pages of 8."""
    monkeypatch.setattr(grid, "PAGE_SIZE", 8)
    return open_browser(hostile_home)


def ids(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'class="card" href="/movies/(\d+)"', html)]


def test_following_show_more_passes_every_movie_once(small_pages: Browser) -> None:
    found: list[int] = []
    address = "/movies"
    while address:
        html = small_pages.get_fragment(address).text
        found += ids(html)
        more = re.findall(r'rel="next" href="([^"]+)"', html)
        address = more[0] if more else ""
    assert sorted(found) == list(range(1, 43))


def test_home_starts_what_show_more_goes_on_with(small_pages: Browser) -> None:
    first = small_pages.get("/").text.split('class="grid"')[1]
    assert len(ids(first)) == 8
    assert ids(first) == ids(small_pages.get_fragment("/movies").text)
    assert 'href="/movies?page=2"' in first


def test_show_more_works_without_javascript(small_pages: Browser) -> None:
    page = small_pages.get("/movies?page=2").text
    assert "<html" in page
    assert "page 2 of 6" in page
    assert ids(page) == ids(small_pages.get_fragment("/movies?page=2").text)


def test_the_last_page_has_no_more(small_pages: Browser) -> None:
    last_but_one, last = (small_pages.get(f"/movies?page={number}").text for number in (5, 6))
    assert 'rel="next"' in last_but_one
    assert 'rel="next"' not in last
    assert ids(last) == [41, 42]


@pytest.mark.parametrize(
    "page", ["7", "0", "-1", "two", "1_0", "%2B1", "1.0", "%201", "1%20", "%0A1", "9" * 30, "9" * 5000, "%ED%A0%80"]
)
def test_a_page_that_is_not_there_is_not_found(small_pages: Browser, page: str) -> None:
    answer = small_pages.get(f"/movies?page={page}")
    assert answer.status_code == 404
    assert ("There is no page 7." if page == "7" else "This page does not exist.") in answer.text


def test_an_empty_page_is_the_first(small_pages: Browser) -> None:
    assert ids(small_pages.get("/movies?page=").text) == ids(small_pages.get("/movies?page=1").text)


def test_pages_load_by_scrolling_but_after_the_fifth_a_click_is_needed(small_pages: Browser) -> None:
    assert 'hx-trigger="intersect once"' in small_pages.get_fragment("/movies?page=4").text
    fifth = small_pages.get_fragment("/movies?page=5").text
    assert 'rel="next"' in fifth
    assert "intersect" not in fifth


def test_a_page_has_room_for_48_movies(browser: Browser) -> None:
    assert grid.PAGE_SIZE == 48
    assert len(ids(browser.get("/movies").text)) == 42


def test_the_movie_page_says_what_is_known(browser: Browser) -> None:
    html = browser.get("/movies/1").text
    for said in (">Movie 1</h1>", "1981", "Comedy", "19 ratings", "Similar movies"):
        assert said in html
    assert "https://www.imdb.com/title/tt0114709/" in html
    assert "https://www.themoviedb.org/movie/862" in html


def test_the_overlay_is_the_movie_page_without_the_page(browser: Browser) -> None:
    page, fragment = browser.get("/movies/1"), browser.get_fragment("/movies/1")
    for part_of_the_page in ("<html", "<h1"):
        assert part_of_the_page in page.text
        assert part_of_the_page not in fragment.text
    assert fragment.headers["cache-control"] == "no-store"
    assert "HX-Request" in fragment.headers["vary"]
    facts = fragment.text.split("movie-line")[1].split("</article>")[0]
    assert facts.index(">Save</button>") < facts.index("Move to page")
    assert 'href="/movies/1">Move to page</a>' in facts
    assert facts.split('<section class="actions"')[0] in page.text
    assert set(ids(fragment.text)) == set(ids(page.text)) != set()


def test_a_similar_movie_names_the_genres_in_common(browser: Browser) -> None:
    html = browser.get("/movies/1").text
    shared = re.findall(r'class="card-shared"><span class="unseen">same genres:</span> ([^<]*)', html)
    assert set(shared) == {"Comedy"}


def test_similar_movies_say_how_they_were_found(browser: Browser) -> None:
    html = browser.get("/movies/1").text
    assert "Liked by people with similar tastes" in html
    assert set(ids(html)) == set(range(3, 41, 2))


def test_a_movie_nobody_rated_stands_without_what_is_not_known(browser: Browser) -> None:
    rated, answer = browser.get("/movies/1"), browser.get("/movies/42")
    assert answer.status_code == 200
    assert "no ratings yet" in answer.text
    for known in ("Similar movies", "imdb.com"):
        assert known in rated.text
        assert known not in answer.text


def test_a_movie_without_year_and_genres_has_a_page_and_a_poster(browser: Browser) -> None:
    assert browser.get("/movies/41").status_code == 200
    assert browser.get("/posters/41").status_code == 200


@pytest.mark.parametrize(
    "movie_id",
    ["0", "999999", "-1", "abc", "1.0", "%201", "1_0", "%2B1", "1%0A", "9" * 5000, "%ED%A0%80", "²", "1%2F2"],
)
def test_an_unknown_movie_is_a_designed_404(browser: Browser, movie_id: str) -> None:
    answer = browser.get(f"/movies/{movie_id}")
    assert answer.status_code == 404
    assert "Not found" in answer.text
    assert 'href="/movies"' in answer.text


def test_a_failing_index_costs_the_similar_movies_not_the_page(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    browser = open_browser(home)
    assert "Similar movies" in browser.get("/movies/1").text
    serve_changed_bundle(browser.app, similar=Broken("no index"))
    answer = browser.get("/movies/1")
    assert answer.status_code == 200
    assert "Similar movies" not in answer.text
    assert "no index" in caplog.text


def test_a_hostile_title_is_text_in_html_and_svg(small_pages: Browser) -> None:
    for path in ("/movies/1", "/movies", "/posters/1"):
        answer = small_pages.get(path).text
        assert "<script>alert" not in answer
        assert "&lt;script&gt;" in answer


def row_of_user_3(browser: Browser) -> list[str]:
    """The addresses that lead from the row to its movies."""
    row = re.split('class="because"|</section>', browser.get_fragment("/?user_id=3").text, maxsplit=1)[0]
    return [unescape(address) for address in re.findall(r'class="card" href="([^"]+)"', row)]


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "Recommended to user 3 because they rated "),
        ("ru", "Рекомендован пользователю 3 на основе его оценок: "),
    ],
)
def test_a_movie_of_another_users_row_says_why_it_was_recommended_to_them(
    browser: Browser, lang: str, told: str
) -> None:
    """User 3 rated the odd movies but 3."""
    assert row_of_user_3(browser)[0] == "/movies/3?user_id=3&from=personal"
    for answer in (browser.get, browser.get_fragment):
        found = find_linked_titles(answer(f"/movies/3?user_id=3&lang={lang}").text, told)
        assert {int(title.removeprefix("Movie ")) % 2 for title in found} == {1}


def test_the_page_and_the_api_tell_the_same_reason(browser: Browser) -> None:
    movies = browser.get("/api/movies/personal?user_id=3&limit=20&explain=true").json()["movies"]
    assert len(movies) == 20
    for movie in movies:
        named = [each["title"] for each in movie["explanation"]["because_of"]]
        page = browser.get(f"/movies/{movie['movie_id']}?user_id=3").text
        assert find_linked_titles(page, "Recommended to user 3 because they rated ") == named


def test_what_the_same_people_like_are_the_first_similar_movies_as_links(browser: Browser) -> None:
    page = browser.get("/movies/3").text
    titles = re.findall(r'class="card-title">([^<]+)<', page)
    assert find_linked_titles(page, "People who like this movie also like: ") == titles[:3]


def test_nothing_is_said_of_who_has_no_such_row(browser: Browser) -> None:
    row = row_of_user_3(browser)
    assert "Recommended to user 3" in browser.get(row[0]).text
    inside = {address.partition("?")[0] for address in row}
    outside = next(f"/movies/{movie_id}" for movie_id in range(2, 41, 2) if f"/movies/{movie_id}" not in inside)
    for address in ("/movies/3", "/movies/3?user_id=", "/movies/3?user_id=999999", f"{outside}?user_id=3"):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert "Recommended to" not in answer.text


def test_popular_movies_in_the_place_of_a_row_lead_to_movies_without_a_user(browser: Browser) -> None:
    page = browser.get_fragment("/?user_id=999999").text.split("</section>")[0]
    assert len(re.findall(r'class="card" href="/movies/\d+\?from=personal"', page)) == 20


@pytest.mark.parametrize("user_id", ["me", "1.0", "-1", "1_5", "%3Cscript%3E", "9" * 30])
def test_a_reason_for_what_is_not_a_user_id_is_a_designed_422(browser: Browser, user_id: str) -> None:
    answer = browser.get(f"/movies/3?user_id={user_id}")
    assert answer.status_code == 422
    assert f"“{escape(unquote(user_id))}” is not a user id" in answer.text


@pytest.mark.parametrize(
    ("scheme", "host", "canonical"),
    [
        ("http", "site:8000", "http://site:8000/movies/3"),
        ("https", "movies.example", "https://movies.example/movies/3"),
    ],
)
def test_the_canonical_address_is_absolute_and_names_no_user(
    browser: Browser, scheme: str, host: str, canonical: str
) -> None:
    page = Browser(browser.app, scheme).get("/movies/3?user_id=3&lang=ru", Host=host).text
    assert f'<link rel="canonical" href="{canonical}">' in page


def test_a_host_that_is_none_is_in_no_address(browser: Browser) -> None:
    answer = browser.get("/movies/3", Host='evil"><script>')
    assert answer.status_code == 200
    assert ">Movie 3</h1>" in answer.text
    assert "evil" not in answer.text


def test_a_reason_that_fails_costs_only_itself(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    browser = open_browser(home)
    break_ranker(browser.app, "no row")
    assert browser.get("/movies/3?user_id=3").status_code == 200
    assert "no row" in caplog.text
