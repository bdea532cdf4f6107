"""The JSON contracts."""

from pathlib import Path

import pytest

from assets.catalog import SimilarConfig
from movierec.catalog.similar_movies import FACTOR_COSINE, GENRE_JACCARD, NOT_AVAILABLE, TASTE_AND_CONTENT
from movierec.recommender import recommendations
from tests.serving.conftest import Browser

NO_NUMBERS = ["1_5", "15.0", "%2B15", "%2015", "15%20", "15%0A", "1e1", "-1", "%D9%A1", "%C2%B2", "1" * 19]
FIELDS = {
    "movie_id",
    "title",
    "year",
    "genres",
    "popularity",
    "mean_rating",
    "n_ratings",
    "imdb_id",
    "tmdb_id",
    "tags",
    "poster",
}


def test_popular_movies_come_with_their_total(browser: Browser) -> None:
    answer = browser.get("/api/movies/popular?limit=3&offset=2").json()
    assert (answer["total"], answer["limit"], answer["offset"]) == (40, 3, 2)
    assert len(answer["movies"]) == 3
    assert set(answer["movies"][0]) == FIELDS


def test_popular_movies_are_twenty_unless_told_and_none_past_the_end(browser: Browser) -> None:
    assert len(browser.get("/api/movies/popular").json()["movies"]) == 20
    assert browser.get("/api/movies/popular?offset=40").json()["movies"] == []
    assert browser.get("/api/movies/popular?offset=999999999").json()["movies"] == []


def test_pages_of_popular_movies_follow_one_another(browser: Browser) -> None:
    whole = browser.get("/api/movies/popular?limit=40").json()["movies"]
    parts = [browser.get(f"/api/movies/popular?limit=15&offset={at}").json()["movies"] for at in (0, 15, 30)]
    assert [movie for part in parts for movie in part] == whole
    popularity = [movie["popularity"] for movie in whole]
    assert popularity == sorted(popularity, reverse=True)


def test_a_known_user_is_served_by_two_stages(browser: Browser) -> None:
    answer = browser.get("/api/movies/personal?user_id=3&limit=5").json()
    assert (answer["user_id"], answer["model"]) == (3, "two_stage")
    assert [movie["rank"] for movie in answer["movies"]] == [1, 2, 3, 4, 5]
    assert answer["movies"][0]["movie_id"] == 3
    assert set(answer["movies"][0]) == FIELDS | {"score", "rank", "explanation"}


@pytest.mark.parametrize("user_id", [0, 999999, 2**31, 2**40, 10**18 - 1])
def test_an_unknown_user_gets_popular_movies_and_the_model_says_so(browser: Browser, user_id: int) -> None:
    answer = browser.get(f"/api/movies/personal?user_id={user_id}&limit=4").json()
    popular = browser.get("/api/movies/popular?limit=4").json()["movies"]
    assert (answer["user_id"], answer["model"]) == (user_id, "popularity_fallback")
    assert [movie["popularity"] for movie in answer["movies"]] == [movie["popularity"] for movie in popular]


def test_a_personal_movie_says_why_only_when_asked(browser: Browser) -> None:
    silent = browser.get("/api/movies/personal?user_id=3&limit=5").json()["movies"]
    told = browser.get("/api/movies/personal?user_id=3&limit=5&explain=true").json()["movies"]
    assert all(movie["explanation"] is None for movie in silent)
    assert [movie | {"explanation": None} for movie in told] == silent
    for why in (movie["explanation"] for movie in told):
        assert [*why["reasons"][0]] == ["feature", "words", "value", "contribution"]
        assert len(why["reasons"]) == 3
    assert {movie["movie_id"] % 2 for movie in told[0]["explanation"]["because_of"]} == {1}  # of the user's colour


def test_an_explanation_sums_to_the_score(browser: Browser) -> None:
    for movie in browser.get("/api/movies/personal?user_id=3&limit=5&explain=true").json()["movies"]:
        why = movie["explanation"]
        parts = [why["base"], *(reason["contribution"] for reason in why["reasons"]), why["others"]]
        assert sum(parts) == pytest.approx(movie["score"], abs=1e-5)


def test_popular_movies_have_no_explanation(browser: Browser) -> None:
    movies = browser.get("/api/movies/personal?user_id=999999&limit=3&explain=true").json()["movies"]
    assert [movie["explanation"] for movie in movies] == [None] * 3


def test_page_and_json_show_the_same_movies(browser: Browser) -> None:
    html = browser.get_fragment("/?user_id=3").text
    movies = browser.get("/api/movies/personal?user_id=3").json()["movies"]
    places = [html.index(f'href="/movies/{movie["movie_id"]}?user_id=3&amp;from=personal"') for movie in movies]
    assert places == sorted(places)


def test_one_movie(browser: Browser) -> None:
    answer = browser.get("/api/movies/1").json()
    assert set(answer) == FIELDS
    assert (answer["title"], answer["imdb_id"], answer["tmdb_id"]) == ("Movie 1", 114709, 862)


def test_similar_movies_come_nearest_first(browser: Browser) -> None:
    answer = browser.get("/api/movies/1/similar?limit=5").json()
    assert (answer["movie_id"], answer["model"]) == (1, "als_cosine")
    similarity = [movie["similarity"] for movie in answer["movies"]]
    assert len(similarity) == 5
    assert similarity == sorted(similarity, reverse=True)


def test_more_similar_movies_than_are_stored_do_not_come_and_the_description_says_so(browser: Browser) -> None:
    stored = 20  # by tests/factories.py; by the graph 40
    assert len(browser.get("/api/movies/1/similar?limit=100").json()["movies"]) == min(stored, 19)
    operation = browser.get("/openapi.json").json()["paths"]["/api/movies/{movie_id}/similar"]["get"]
    for said in (operation["description"], Path("docs/web.md").read_text()):
        assert f"at most the {SimilarConfig().n} stored" in " ".join(said.split())


def test_the_schema_and_the_documents_name_every_model(browser: Browser) -> None:
    schemas = browser.get("/openapi.json").json()["components"]["schemas"]
    personal = schemas["PersonalAnswer"]["properties"]["model"]["enum"]
    similar = schemas["SimilarAnswer"]["properties"]["model"]["enum"]
    assert personal == [recommendations.TWO_STAGE, recommendations.CANDIDATES_ONLY, recommendations.POPULARITY_FALLBACK]
    assert similar == [TASTE_AND_CONTENT, FACTOR_COSINE, GENRE_JACCARD, NOT_AVAILABLE]
    page = Path("docs/web.md").read_text()
    assert all(f"`{name}`" in page for name in personal + similar)


def test_a_movie_without_neighbours_says_not_available(browser: Browser) -> None:
    answer = browser.get("/api/movies/42/similar").json()
    assert (answer["model"], answer["movies"]) == ("not_available", [])


@pytest.mark.parametrize("path", ["/api/movies/0", "/api/movies/99999999999", "/api/movies/999/similar"])
def test_a_movie_that_is_not_there_is_404_in_json(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "is not in the catalogue" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        *((f"/api/movies/personal?user_id={text}", "user_id") for text in NO_NUMBERS),
        *((f"/api/movies/{text}", "movie_id") for text in NO_NUMBERS),
        *((f"/api/movies/{text}/similar", "movie_id") for text in NO_NUMBERS),
        *((f"/api/movies/popular?offset={text}", "offset") for text in NO_NUMBERS),
        *((f"/api/movies/popular?limit={text}", "limit") for text in NO_NUMBERS),
        ("/api/movies/popular?limit=0", "limit"),
        ("/api/movies/popular?limit=101", "limit"),
        ("/api/movies/popular?offset=-1", "offset"),
        ("/api/movies/personal", "user_id"),
        ("/api/movies/personal?user_id=-1", "user_id"),
        ("/api/movies/personal?user_id=abc", "user_id"),
        ("/api/movies/personal?user_id=" + "9" * 10_000, "user_id"),
        ("/api/movies/personal?user_id=%ED%A0%80", "user_id"),
        ("/api/movies/abc", "movie_id"),
        ("/api/movies/1/similar?limit=x", "limit"),
    ],
)
def test_a_wrong_parameter_is_named_and_not_repeated(browser: Browser, path: str, parameter: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["loc"][-1] == parameter
    assert fault["msg"]
    assert len(answer.content) < 600


def test_an_unknown_address_of_the_api_answers_json(browser: Browser) -> None:
    answer = browser.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Not Found"}
