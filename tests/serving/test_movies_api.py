"""GET /api/movies: the search page as JSON."""

from urllib.parse import quote

import pytest

from tests.serving.conftest import Browser


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
        ("filter=year:2000..1990", "at character 6: 2000..1990 runs backwards"),
        ("filter=genre:Opera", "no movie has the genre Opera: write one of Action, Comedy, Sci-Fi"),
        ("filter=" + "and(" * 9, "groups stand in more than 5 groups"),
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
    assert said in answer.text


def test_a_cursor_belongs_to_its_search(browser: Browser) -> None:
    cursor = browser.get("/api/movies?q=movie&limit=5").json()["next_cursor"]
    assert browser.get(f"/api/movies?q=movie&limit=9&cursor={cursor}").status_code == 200
    assert browser.get(f"/api/movies?q=other&limit=5&cursor={cursor}").status_code == 422


def test_an_unchanged_answer_is_304(browser: Browser) -> None:
    first = browser.get("/api/movies?q=movie")
    again = browser.get("/api/movies?q=movie", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_hostile_words_find_nothing(browser: Browser) -> None:
    for q in ("%ED%A0%80", "%00", quote("<script>")):
        assert browser.get(f"/api/movies?q={q}").json()["total"] == 0


def test_the_schema_has_examples(browser: Browser) -> None:
    operation = browser.get("/openapi.json").json()["paths"]["/api/movies"]["get"]
    assert all("examples" in each["schema"] for each in operation["parameters"] if each["name"] in {"q", "filter"})
