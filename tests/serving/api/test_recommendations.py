"""The contracts of the recommending endpoints, one after the other."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from movierec.bundles.bundle import Bundle
from movierec.recommender.recommendations import Recommendations
from movierec.recommender.two_stage import Recommender
from serving.services import recommendations
from tests import factories
from tests.serving.asking import post_json
from tests.serving.conftest import Browser, open_browser, wait_until_true

NOBODY = 999_999


def ids(answer: dict[str, Any]) -> list[int]:
    return [movie["movie_id"] for movie in answer["movies"]]


def popularity(answer: dict[str, Any]) -> list[float]:
    """Movies of the checkerboard are equally popular in pairs, so that their order says nothing."""
    return [movie["popularity"] for movie in answer["movies"]]


def popular(browser: Browser, n: int) -> list[float]:
    return popularity(browser.get(f"/api/movies/popular?limit={n}").json())


@pytest.fixture
def without_companion(home: Path, tmp_path: Path) -> Browser:
    shutil.copytree(home / "published", tmp_path / "published")
    return open_browser(tmp_path)


def test_top_is_the_hundred_most_popular_in_order(browser: Browser) -> None:
    answer = browser.get("/top").json()
    assert popularity(answer) == popular(browser, 100)
    assert [movie["rank"] for movie in answer["movies"]] == list(range(1, 41))
    assert popularity(browser.get("/top?top_n=3").json()) == popular(browser, 3)


def test_top_has_a_hundred_movies_where_there_are_more(tmp_path: Path) -> None:
    rated = factories.make_checkerboard_ratings(n_movies=120).with_columns(pl.col("rated_at").shuffle(seed=1))
    factories.publish_small_bundle(tmp_path, n_movies=120, ratings=rated)
    site = open_browser(tmp_path)
    answer = site.get("/top").json()
    assert (len(answer["movies"]), site.get("/api/movies/popular").json()["total"]) == (100, 120)
    assert [movie["rank"] for movie in answer["movies"]] == list(range(1, 101))
    assert popularity(answer) == sorted(popularity(answer), reverse=True)
    assert len(site.get("/top?top_n=7").json()["movies"]) == 7


@pytest.mark.parametrize("name", ["movie_id", "anime_id"])
def test_content_based_finds_what_a_movie_is_like_by_either_name(browser: Browser, name: str) -> None:
    answer = post_json(browser, "/recommend_content_based", {name: 2, "top_n": 5}).json()
    assert (answer["model"], answer["movie_id"], len(answer["movies"])) == ("content", 2, 5)
    assert all(movie["genres"] == ["Action", "Sci-Fi"] for movie in answer["movies"])
    assert answer["recommendations"] == [movie["title"] for movie in answer["movies"]]
    scores = [movie["score"] for movie in answer["movies"]]
    assert scores == sorted(scores, reverse=True)


def test_content_based_works_for_a_movie_that_nobody_rated(browser: Browser) -> None:
    answer = post_json(browser, "/recommend_content_based", {"movie_id": 42}).json()
    assert answer["model"] == "content"
    assert len(answer["movies"]) == 10
    assert 42 not in ids(answer)


def test_content_based_is_never_empty(browser: Browser) -> None:
    """Movie 41 has neither genres, year, tags nor ratings in the bundle, but clusters were made when it had."""
    answer = post_json(browser, "/recommend_content_based", {"movie_id": 41, "top_n": 3}).json()
    assert len(answer["movies"]) == 3


def test_content_based_does_without_a_companion(without_companion: Browser) -> None:
    alike = post_json(without_companion, "/recommend_content_based", {"movie_id": 2, "top_n": 3}).json()
    assert (alike["model"], len(alike["movies"])) == ("als_cosine", 3)
    unrated = post_json(without_companion, "/recommend_content_based", {"movie_id": 42, "top_n": 3}).json()
    assert (unrated["model"], popularity(unrated)) == ("popularity_fallback", popular(without_companion, 3))


def test_session_based_follows_the_last_ratings(browser: Browser) -> None:
    answer = post_json(browser, "/recommend_session_based", {"user_id": 4}).json()
    assert (answer["model"], answer["user_id"]) == ("transitions", 4)
    assert ids(answer) == [4]  # the one movie of their colour that they have not seen


def test_collaborative_recommends_by_factors_alone(browser: Browser) -> None:
    answer = post_json(browser, "/recommend_collaborative", {"user_id": 4, "top_n": 3}).json()
    assert (answer["model"], len(answer["movies"])) == ("ials", 3)
    assert ids(answer)[0] == 4


@pytest.mark.parametrize("path", ["/recommend_session_based", "/recommend_collaborative"])
def test_an_unknown_user_gets_popular_movies(browser: Browser, path: str) -> None:
    answer = post_json(browser, path, {"user_id": NOBODY}).json()
    assert (answer["model"], popularity(answer)) == ("popularity_fallback", popular(browser, 10))


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("/recommend_content_based", {"movie_id": 2}),
        ("/recommend_collaborative", {"user_id": 4}),
        ("/recommend_session_based", {"user_id": NOBODY}),
    ],
)
def test_top_n_may_be_left_out_and_is_ten(browser: Browser, path: str, question: dict[str, int]) -> None:
    assert len(post_json(browser, path, question).json()["movies"]) == 10


def test_favorite_cluster_is_a_number(browser: Browser) -> None:
    even, odd = (browser.get(f"/favorite-cluster?user_id={user}").json() for user in (4, 5))
    assert even.keys() == odd.keys() == {"favorite_cluster"}
    assert {even["favorite_cluster"], odd["favorite_cluster"]} == {0, 1}


def test_recommend_gives_titles_of_the_movies_cluster_by_number_of_ratings(browser: Browser) -> None:
    answer = browser.get("/recommend?movie_id=2&top_n=3").json()
    assert answer["recommendations"] == ["Movie 4", "Movie 8", "Movie 10"]
    assert answer["model"] == "cluster"
    assert answer["cluster"] == browser.get("/favorite-cluster?user_id=4").json()["favorite_cluster"]
    assert browser.get("/recommend?anime_id=2&top_n=3").json() == answer


def test_recommend_goes_by_the_number_of_ratings_then_the_mean_then_the_id(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "published", tmp_path / "published")
    rated = [(2, 9, 5.0), (4, 3, 4.0), (6, 8, 1.0), (8, 8, 2.0), (10, 8, 2.0), (12, 0, None)]
    factories.publish_small_companion(
        tmp_path,
        stats=pl.DataFrame(rated, ["movie_id", "n_ratings", "mean_rating"], orient="row").cast({"movie_id": pl.Int32}),
    )
    answer = open_browser(tmp_path).get("/recommend?movie_id=2&top_n=5").json()
    assert answer["recommendations"] == [f"Movie {movie_id}" for movie_id in (8, 10, 6, 4, 12)]


def test_recommend_by_tags_gives_unseen_movies_with_the_favorite_clusters_tags(browser: Browser) -> None:
    answer = browser.get("/recommend-by-tags?user_id=4").json()
    assert (answer["kind"], answer["model"], answer["words"]) == ("tags", "cluster_tags", ["space"])
    assert answer["recommendations"] == ["Movie 4"]  # of the tagged ones user 4 has seen all but one


def test_recommend_by_tags_answers_by_genre_where_there_are_no_tags_and_says_so(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "published", tmp_path / "published")
    factories.publish_small_companion(tmp_path, with_tags=False)
    answer = open_browser(tmp_path).get("/recommend-by-tags?user_id=4").json()
    assert (answer["kind"], answer["model"], answer["words"]) == ("genres", "cluster_genres", ["Action", "Sci-Fi"])
    assert answer["recommendations"][0] == "Movie 4"


def test_recommend_by_tags_gives_an_unknown_user_popular_movies(browser: Browser) -> None:
    answer = browser.get(f"/recommend-by-tags?user_id={NOBODY}&top_n=3").json()
    assert (answer["model"], answer["favorite_cluster"], answer["words"]) == ("popularity_fallback", None, [])
    assert popularity(answer) == popular(browser, 3)


def test_many_users_are_answered_in_order_as_one_by_one(browser: Browser) -> None:
    answers = post_json(browser, "/api/recommendations", {"user_ids": [4, NOBODY, 4], "top_n": 2}).json()["answers"]
    assert [(answer["user_id"], answer["model"]) for answer in answers] == [
        (4, "two_stage"),
        (NOBODY, "popularity_fallback"),
        (4, "two_stage"),
    ]
    assert ids(answers[0]) == ids(browser.get("/api/movies/personal?user_id=4&limit=2").json())


def test_ratings_of_anybody_are_folded_in(browser: Browser) -> None:
    given = [{"movie_id": movie, "rating": 5} for movie in range(2, 40, 2)]
    answer = post_json(browser, "/api/fold-in", {"ratings": given, "top_n": 1}).json()
    assert (answer["model"], ids(answer), answer["ignored"]) == ("two_stage", [40], [])


def test_what_is_folded_in_can_say_why(browser: Browser) -> None:
    question = {"ratings": [{"movie_id": movie, "rating": 5} for movie in (2, 4, 6)], "top_n": 3}
    silent = post_json(browser, "/api/fold-in", question).json()
    told = post_json(browser, "/api/fold-in", question | {"explain": True}).json()
    assert ids(told) == ids(silent)
    assert [movie["explanation"] for movie in silent["movies"]] == [None] * 3
    for movie in told["movies"]:
        why = movie["explanation"]
        parts = [why["base"], *(reason["contribution"] for reason in why["reasons"]), why["others"]]
        assert sum(parts) == pytest.approx(movie["score"], abs=1e-5)
        assert {each["movie_id"] for each in why["because_of"]} <= {2, 4, 6}
    assert post_json(browser, "/api/fold-in", {"explain": True, "top_n": 1}).json()["movies"][0]["explanation"] is None


def test_what_cannot_be_folded_in_is_named_and_popular_movies_of_the_genres_come(browser: Browser) -> None:
    question = {"ratings": [{"anime_id": 10**12, "rating": 4}], "genres": ["Comedy"], "top_n": 4}
    answer = post_json(browser, "/api/fold-in", question).json()
    assert (answer["model"], answer["ignored"]) == ("popular_in_genres", [10**12])
    assert [movie["genres"] for movie in answer["movies"]] == [["Comedy"]] * 4
    nothing = post_json(browser, "/api/fold-in", {}).json()
    assert (nothing["model"], popularity(nothing)) == ("popularity_fallback", popular(browser, 10))


def test_a_movie_of_the_catalogue_that_nobody_rated_is_ignored_and_not_recommended(browser: Browser) -> None:
    given = [{"movie_id": movie, "rating": 5} for movie in (42, 10**17, 41)]
    alone = post_json(browser, "/api/fold-in", {"ratings": given}).json()
    assert (alone["model"], alone["ignored"]) == ("popularity_fallback", [41, 42, 10**17])
    beside = post_json(
        browser, "/api/fold-in", {"ratings": [*given, {"movie_id": 2, "rating": 5}], "top_n": 100}
    ).json()
    assert (beside["model"], beside["ignored"]) == ("two_stage", [41, 42, 10**17])
    assert {2, 41, 42}.isdisjoint(ids(beside))


def test_who_has_rated_every_movie_of_the_fit_gets_the_others(browser: Browser) -> None:
    given = [{"movie_id": movie, "rating": 5} for movie in range(1, 41)]
    answer = post_json(browser, "/api/fold-in", {"ratings": given, "explain": True}).json()
    assert (answer["model"], sorted(ids(answer))) == ("popularity_fallback", [41, 42])
    assert [movie["explanation"] for movie in answer["movies"]] == [None, None]


@pytest.mark.parametrize("explain", [False, True])
def test_who_has_seen_all_that_is_recommended_gets_popular_movies(
    home: Path, monkeypatch: pytest.MonkeyPatch, explain: bool
) -> None:
    def nothing(*_: Any, **__: Any) -> Recommendations:
        return Recommendations("two_stage", [], [])

    monkeypatch.setattr(Recommender, "recommend_for_user", nothing)
    site = open_browser(home)
    answer = site.get(f"/api/movies/personal?user_id=4&limit=100&explain={explain}").json()
    assert answer["model"] == "popularity_fallback"
    assert set(ids(answer)) == {4, *range(1, 40, 2)}
    assert {movie["explanation"] for movie in answer["movies"]} == {None}
    (many,) = post_json(site, "/api/recommendations", {"user_ids": [4], "top_n": 100}).json()["answers"]
    assert ids(many) == ids(answer)


def test_popular_movies_never_run_out(home: Path) -> None:
    bundle = Bundle.open(home / "published" / "full" / "v1")
    for n_seen, left in ((40, {41, 42}), (41, {42}), (42, set(range(1, 41)))):
        chosen = recommendations.recommend_popular(bundle, without=list(range(1, n_seen + 1)), n=40)
        assert {movie.movie_id for movie in chosen.movies} == left


def test_a_profile_tells_taste_cluster_and_history(browser: Browser) -> None:
    answer = browser.get("/api/users/4/profile").json()
    assert (answer["user_id"], answer["n_ratings"]) == (4, 19)
    assert [(taste["name"], taste["n_ratings"], taste["share"]) for taste in answer["genres"]] == [
        ("Action", 19, 1),
        ("Sci-Fi", 19, 1),
    ]
    assert sum(taste["n_ratings"] for taste in answer["decades"]) == 19
    assert answer["favorite_cluster"]["words"] == ["space"]
    assert [movie["movie_id"] for movie in answer["history"]["movies"]] == [*range(40, 4, -2), 2]
    assert answer["history"]["next"] is None


def test_a_profile_tells_how_the_ratings_are_spread_over_clusters(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "published", tmp_path / "published")
    factories.publish_small_companion(tmp_path, k=9)
    answer = open_browser(tmp_path).get("/api/users/4/profile").json()
    clusters = answer["clusters"]
    assert len(clusters) > 1
    assert sum(each["n_ratings"] for each in clusters) == answer["n_ratings"] == 19
    assert sum(each["share"] for each in clusters) == pytest.approx(1)
    assert [each["n_ratings"] for each in clusters] == sorted((each["n_ratings"] for each in clusters), reverse=True)
    assert {name: clusters[0][name] for name in ("number", "kind", "words")} == answer["favorite_cluster"]


def test_a_profile_does_without_a_companion(without_companion: Browser) -> None:
    answer = without_companion.get("/api/users/4/profile").json()
    assert (answer["favorite_cluster"], answer["clusters"]) == (None, [])


def test_a_history_is_paged_by_the_place_of_the_last_movie_seen(browser: Browser) -> None:
    address, seen = "/api/users/4/history?limit=7", []
    while address:
        page = browser.get(address).json()
        assert page["total"] == 19
        seen += [movie["place"] for movie in page["movies"]]
        address = page["next"]
    assert seen == list(range(19, 0, -1))


def test_a_page_of_a_history_stays_the_same_when_newer_ratings_come(home: Path, tmp_path: Path) -> None:
    first = open_browser(home).get("/api/users/4/history?limit=7").json()
    second = open_browser(home).get(first["next"]).json()
    newer = factories.make_ratings((4, 4, 5.0)).with_columns(pl.col("rated_at") + pl.duration(days=9999))
    factories.publish_small_bundle(tmp_path, ratings=pl.concat([factories.make_checkerboard_ratings(), newer]))
    later = open_browser(tmp_path)
    newest = later.get("/api/users/4/history?limit=1").json()["movies"]
    assert [(movie["movie_id"], movie["place"]) for movie in newest] == [(4, 20)]
    again = later.get(first["next"]).json()
    assert [(movie["movie_id"], movie["place"]) for movie in again["movies"]] == [
        (movie["movie_id"], movie["place"]) for movie in second["movies"]
    ]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"/favorite-cluster?user_id={NOBODY}", "has rated no movie"),
        ("/recommend?movie_id=999", "movie 999 is not in the catalogue"),
        (f"/api/users/{NOBODY}/profile", "has no ratings"),
        (f"/api/users/{10**17}/history", "has no ratings"),
    ],
)
def test_what_is_not_there_is_404(browser: Browser, path: str, says: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert says in answer.json()["detail"]


def test_content_based_of_an_unknown_movie_is_404(browser: Browser) -> None:
    assert post_json(browser, "/recommend_content_based", {"movie_id": 10**17}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/favorite-cluster?user_id=4", "/recommend?movie_id=1", "/recommend-by-tags?user_id=4"]
)
def test_without_clusters_the_answer_says_what_to_run(without_companion: Browser, path: str) -> None:
    answer = without_companion.get(path)
    assert answer.status_code == 503
    assert "make pipeline" in answer.json()["detail"]


def test_new_clusters_are_served_without_a_restart_and_without_a_new_bundle(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "home")
    browser = open_browser(tmp_path / "home")
    assert browser.get("/recommend?movie_id=2").json()["cluster"] in {0, 1}
    factories.publish_small_companion(tmp_path / "home", "c2", k=1)
    assert wait_until_true(lambda: browser.get("/favorite-cluster?user_id=4").json() == {"favorite_cluster": 0})
    assert wait_until_true(
        lambda: "Movie 1" in browser.get("/recommend?movie_id=2&top_n=100").json()["recommendations"]
    )


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/recommend_content_based", {}, "movie_id or anime_id"),
        ("/recommend_content_based", {"movie_id": "1"}, "body.movie_id"),
        ("/recommend_content_based", {"movie_id": True}, "body.movie_id"),
        ("/recommend_content_based", {"movie_id": 1, "top_n": 0}, "body.top_n"),
        ("/recommend_content_based", {"movie_id": 1, "top_n": 101}, "body.top_n"),
        ("/recommend_session_based", {"top_n": 3}, "body.user_id"),
        ("/recommend_session_based", {"user_id": -1}, "body.user_id"),
        ("/recommend_collaborative", {"user_id": 10**18}, "body.user_id"),
        ("/recommend_collaborative", {"user_id": 1.5}, "body.user_id"),
        ("/recommend_collaborative", [], "body"),
        ("/recommend_collaborative", b"{", "body"),
        ("/recommend_collaborative", None, "body"),
        ("/api/recommendations", {"user_ids": []}, "body.user_ids"),
        ("/api/recommendations", {"user_ids": [1] * 51}, "body.user_ids"),
        ("/api/fold-in", {"ratings": [{"movie_id": 1, "rating": 9}]}, "body.ratings.0.rating"),
        ("/api/fold-in", {"ratings": [{"movie_id": 1, "rating": 3}] * 501}, "body.ratings"),
        ("/api/fold-in", {"ratings": [{"rating": 3}]}, "body.ratings.0"),
        ("/api/fold-in", {"explain": "yes"}, "body.explain"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong_where(browser: Browser, path: str, body: Any, where: str) -> None:
    answer = post_json(browser, path, body)
    assert answer.status_code == 422
    assert where in answer.json()["detail"]
    assert answer.json()["errors"]
    assert "Value error" not in answer.text


@pytest.mark.parametrize("sent_as", [{}, {"Content_Type": "application/x-www-form-urlencoded"}])
def test_a_body_that_is_not_sent_as_json_is_told_so(browser: Browser, sent_as: dict[str, str]) -> None:
    answer = post_json(browser, "/recommend_collaborative", b'{"user_id": 4}', **sent_as)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("body: Content-Type must be application/json")


@pytest.mark.parametrize("path", ["/recommend", "/recommend?movie_id=x", "/recommend-by-tags", "/top?top_n=101"])
def test_a_wrong_parameter_is_told(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 422
    assert answer.json()["title"].startswith("Unprocessable")
    assert answer.json()["errors"][0]["loc"][0] == "query"
