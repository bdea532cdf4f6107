"""GET /api/movies: the search page as JSON."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from serving.pages.grid import PAGE_SIZE
from tests.factories import publish_small_bundle
from tests.serving.conftest import Browser, open_browser


def every(browser: Browser, query: str) -> list[int]:
    """The ids of all pages, in their order."""
    found, cursor = [], ""
    while cursor is not None:
        answer = browser.get(f"/api/movies?{query}&cursor={cursor}").json()
        found += [movie["movie_id"] for movie in answer["movies"]]
        cursor = answer["next_cursor"]
    return found


@pytest.mark.parametrize("sort", ["relevance", "popularity", "rating", "year", "title"])
@pytest.mark.parametrize("q", ["", "movie"])
def test_cursors_pass_every_movie_once(browser: Browser, sort: str, q: str) -> None:
    found = every(browser, f"q={q}&sort={sort}&limit=5")
    assert sorted(found) == list(range(1, 43))
    assert found == [
        movie["movie_id"] for movie in browser.get(f"/api/movies?q={q}&sort={sort}&limit=100").json()["movies"]
    ]


def test_words_filter_and_order_are_said_back(browser: Browser) -> None:
    answer = browser.get("/api/movies?q=moovie&filter=or(genre:action, year:..1985)&limit=2").json()
    assert (answer["sort"], answer["filter"]) == ("relevance", "or(genre:action,year:..1985)")
    assert (answer["matched"], answer["meant"], answer["limit"]) == ("similar", "movie", 2)
    assert answer["total"] > len(answer["movies"]) == 2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("filter=year:2000..1990", "In the range 2000..1990, the smaller number must come first"),
        ("filter=genre:Opera", "There is no genre “Opera”. Choose one of these: Action, Comedy, Sci-Fi."),
        ("filter=" + "and(" * 9, "too many groups inside each other"),
        ("year_from=x", "year: “x” is not a number"),
        ("year_from=2000&year_to=1990", "year: The earlier year must come first"),
        ("genre=Opera", "There is no genre “Opera”"),
        ("decade=1995", "decade: "),
        ("genre=Comedy&genre_mode=both", "genre_mode: must be one of any, all"),
        ("only=seen&only=watched", "only: must be one of unseen, seen, saved, poster"),
        ("cursor=nonsense", "belongs to another search"),
        ("cursor=%FF%ED%A0%80", "belongs to another search"),
        ("q=" + "x" * 10_240, "at most 250"),
        ("sort=banana", "sort"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
    ],
)
def test_bad_parameters_are_422_with_a_reason(browser: Browser, query: str, said: str) -> None:
    answer = browser.get(f"/api/movies?{query}")
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["loc"][0] == "query"
    assert said in answer.json()["detail"] == f"{'.'.join(fault['loc'])}: {fault['msg']}"


def test_a_cursor_belongs_to_its_search(browser: Browser) -> None:
    cursor = browser.get("/api/movies?q=movie&limit=5").json()["next_cursor"]
    assert browser.get(f"/api/movies?q=movie&limit=9&cursor={cursor}").status_code == 200
    assert browser.get(f"/api/movies?q=other&limit=5&cursor={cursor}").status_code == 422


@pytest.mark.parametrize(
    ("query", "said", "total"),
    [
        ("genre=Comedy", "genre:Comedy", 20),
        ("genre=Comedy&genre=Action&genre_mode=all", "genre:Comedy,genre:Action", 0),
        ("genre=Comedy&genre=Action", "or(genre:Comedy,genre:Action)", 41),
        ("decade=1990&year_to=1994", "decade:1990,year:..1994", 7),
        ("year_from=2005&rating_min=4.5", "year:2005..,mean_rating:4.5..", 4),
        ("ratings_min=19&tag=Time+Travel", "n_ratings:19..,tag:Time Travel", 1),
        ("only=unseen&filter=year:1990", "unseen,year:1990", 2),
        ("q=&genre=&genre_mode=&only=&year_from=&sort=", "", 42),
        ("sort=year", "", 42),
    ],
)
def test_the_query_of_the_search_page_is_understood(browser: Browser, query: str, said: str, total: int) -> None:
    answer = browser.get(f"/api/movies?{query}&limit=100").json()
    assert (answer["filter"], answer["total"]) == (said, total)
    found = [movie["movie_id"] for movie in answer["movies"]]
    assert every(browser, f"filter={quote(said)}&sort={answer['sort']}&limit=9") == found
    page = browser.get_fragment(f"/search?{query}").text
    shown = [int(movie_id) for movie_id in re.findall(r'class="card" href="/movies/([0-9]+)"', page)]
    assert shown == found[: len(shown)]
    assert len(shown) == min(total, PAGE_SIZE)


def test_a_cursor_belongs_to_the_whole_question(browser: Browser) -> None:
    cursor = browser.get("/api/movies?genre=Comedy&limit=5").json()["next_cursor"]
    assert browser.get(f"/api/movies?filter=genre:Comedy&limit=5&cursor={cursor}").status_code == 200
    for other in ("", "genre=Action", "genre=Comedy&year_from=1990", "genre=Comedy&sort=year"):
        answer = browser.get(f"/api/movies?{other}&limit=5&cursor={cursor}")
        assert (answer.status_code, "another search" in answer.json()["detail"]) == (422, True)


def test_a_cursor_of_a_movie_that_is_gone_says_so(browser: Browser, tmp_path: Path) -> None:
    cursor = browser.get("/api/movies?sort=title&limit=20").json()["next_cursor"]
    last = browser.get("/api/movies?sort=title&limit=20").json()["movies"][-1]["movie_id"]
    publish_small_bundle(tmp_path, n_movies=last - 3)
    answer = open_browser(tmp_path).get(f"/api/movies?sort=title&limit=20&cursor={cursor}")
    assert (answer.status_code, "is not in the catalogue" in answer.json()["detail"]) == (422, True)


def test_an_unchanged_answer_is_304(browser: Browser) -> None:
    first = browser.get("/api/movies?q=movie")
    again = browser.get("/api/movies?q=movie", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_hostile_words_find_nothing(browser: Browser) -> None:
    for q in ("%ED%A0%80", "%00", quote("<script>")):
        assert browser.get(f"/api/movies?q={q}").json()["total"] == 0


def test_the_schema_has_examples(browser: Browser) -> None:
    operation = browser.get("/openapi.json").json()["paths"]["/api/movies"]["get"]
    assert {"q", "filter"} <= {each["name"] for each in operation["parameters"] if "examples" in each["schema"]}
