from dataclasses import replace

import numpy as np
import pytest

from movierec.data.interactions import Interactions
from movierec.recommender.popular import PopularMovies
from movierec.recommender.recommendations import CANDIDATES_ONLY, POPULAR_IN_GENRES, POPULARITY_FALLBACK, TWO_STAGE
from movierec.recommender.retrieval import Retrieval
from movierec.recommender.two_stage import Recommender, build_single_user_interactions
from tests import factories


@pytest.fixture(scope="module")
def recommender():
    return factories.fit_recommender()


def test_a_known_user_gets_two_stage_recommendations_of_unseen_movies(recommender):
    found = recommender.recommend_for_user(4, n=5)
    assert found.model == TWO_STAGE
    assert len(found.movie_ids) == len(set(found.movie_ids)) == 5
    rated = set(factories.make_checkerboard_ratings().collect().filter(user_id=4)["movie_id"])
    assert rated.isdisjoint(found.movie_ids)
    assert found.scores == sorted(found.scores, reverse=True)


@pytest.mark.parametrize("user_id", [0, 999, 2**31 - 1])
def test_a_cold_user_gets_the_popular_movies(recommender, user_id):
    found = recommender.recommend_for_user(user_id, n=3)
    assert found.model == POPULARITY_FALLBACK
    assert found.movie_ids == recommender.popular.movie_ids[:3].tolist()


def test_what_is_measured_is_what_is_served(recommender):
    users = recommender.interactions.user_ids
    table = recommender.recommend_for_users(users, n=7)
    for user in users.tolist():
        rows = table.filter(user_id=user)
        served = recommender.recommend_for_user(user, n=7)
        assert rows["movie_id"].to_list() == served.movie_ids
        assert rows["score"].to_list() == pytest.approx(served.scores)


def test_a_user_who_has_seen_nearly_everything_gets_what_is_left():
    table = factories.make_checkerboard_ratings().collect()
    everything = factories.make_ratings(*[(77, movie, 4.0) for movie in range(1, 39)]).collect()
    found = factories.fit_recommender(table.vstack(everything).lazy()).recommend_for_user(77, n=10)
    assert sorted(found.movie_ids) == [39, 40]
    assert np.isfinite(found.scores).all()


def test_more_may_be_asked_for_than_there_are_candidates(recommender):
    assert recommender.ranker.n_candidates == 10
    assert len(recommender.recommend_for_user(4, n=15).movie_ids) == 15


def test_as_many_candidates_are_ranked_as_the_ranker_learnt_from(recommender, monkeypatch):
    asked = []
    propose = Retrieval.propose
    monkeypatch.setattr(Retrieval, "propose", lambda *given, n, **more: asked.append(n) or propose(*given, n=n, **more))
    recommender.recommend_for_user(4, n=5)
    assert asked == [recommender.ranker.n_candidates]


def test_without_a_ranker_candidates_stand_in_their_fused_order(recommender):
    plain = replace(recommender, ranker=None)
    found = plain.recommend_for_user(4, n=5)
    assert found.model == CANDIDATES_ONLY
    user = recommender.interactions.select_users(recommender.interactions.find_user_rows([4]))
    fused = recommender.retrieval.propose(user, n=100)
    assert found.movie_ids == recommender.interactions.movie_ids[fused.columns[0, :5]].tolist()


def test_a_recommender_without_a_ranker_is_saved_as_one(recommender, tmp_path):
    plain = replace(recommender, ranker=None)
    plain.save(tmp_path)
    assert Recommender.load(tmp_path).recommend_for_user(4, n=5) == plain.recommend_for_user(4, n=5)


def test_a_ranker_of_other_features_is_refused(recommender):
    other = replace(recommender.ranker, feature_names=(*recommender.ranker.feature_names, "shoe_size"))
    with pytest.raises(ValueError, match=r"shoe_size.*train again"):
        replace(recommender, ranker=other)


def test_what_was_saved_recommends_the_same(recommender, tmp_path):
    recommender.save(tmp_path)
    loaded = Recommender.load(tmp_path)
    assert loaded.recommend_for_users([1, 2, 3], n=5).equals(recommender.recommend_for_users([1, 2, 3], n=5))
    assert loaded.recommend_for_user(999, n=5) == recommender.recommend_for_user(999, n=5)
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds == {".npy", ".json", ".cbm", ".csv"}


def test_popular_leaves_out_movies_without_a_popularity():
    table = factories.pl.DataFrame({"movie_id": [3, 1, 2], "popularity": [3.0, 2.0, None]})
    assert PopularMovies.from_stats(table).movie_ids.tolist() == [3, 1]


def test_folding_in_the_ratings_of_the_fit_gives_what_was_trained(recommender):
    users = recommender.interactions.user_ids
    folded_in = recommender.fold_in(factories.make_checkerboard_ratings())
    trained, folded = (
        recommender.recommend_for_users(users, n=10),
        recommender.recommend_for_users(users, n=10, folded_in=folded_in),
    )
    assert trained.join(folded, on=["user_id", "movie_id"]).height >= 0.95 * trained.height


def test_anybodys_ratings_become_recommendations_of_other_movies(recommender):
    found = recommender.recommend_from_ratings([2, 4, 6], [5, 4.5, 5], n=3)
    assert found.model == TWO_STAGE
    assert len(found.movie_ids) == 3
    assert {2, 4, 6}.isdisjoint(found.movie_ids)
    assert found != recommender.recommend_from_ratings([1, 3, 5], [5, 4.5, 5], n=3)


def test_movies_that_are_left_out_make_room_for_the_next(recommender):
    def by_user(**options):
        return recommender.recommend_for_user(4, **options)

    def by_ratings(**options):
        return recommender.recommend_from_ratings([2, 4, 6], [5, 4.5, 5], **options)

    def by_popularity(**options):
        return recommender.recommend_for_user(999, **options)

    for answer in (by_user, by_ratings, by_popularity):
        best = answer(n=6).movie_ids
        found = answer(n=5, without={best[0], best[2], 12345})
        assert set(found.movie_ids).isdisjoint({best[0], best[2]})
        assert len(found.movie_ids) == 5
        assert found.model == answer(n=5).model


def test_somebody_without_a_known_movie_gets_what_is_popular_in_their_genres(recommender):
    found = recommender.recommend_from_ratings([12345], [5], n=3, genres=["Action"])
    assert found.model == POPULAR_IN_GENRES
    assert all(movie_id % 2 == 0 for movie_id in found.movie_ids)  # even movies are action
    everything = recommender.recommend_from_ratings([], [], n=40, genres=["Action"])
    assert len(everything.movie_ids) == 40  # others follow
    nothing_chosen = recommender.recommend_from_ratings([12345, 38], [5, 5], n=1)
    assert nothing_chosen.model == TWO_STAGE
    assert recommender.recommend_from_ratings([], [], n=3, genres=["No such genre"]).model == POPULARITY_FALLBACK


def test_ratings_of_one_are_what_a_table_of_them_would_be():
    """Movie 4 is rated twice, the last time counts; nobody knows movie 77."""
    known = np.array([2, 3, 4, 9], np.int32)
    one = build_single_user_interactions(
        [4, 9, 77, 2, 4], [1, 3, 5, 2, 4.5], known, rated_on=11_323
    )  # the day of the table's ratings
    same = Interactions.from_ratings(factories.make_ratings((0, 9, 3.0), (0, 77, 5.0), (0, 2, 2.0), (0, 4, 4.5)), known)
    assert (one.user_items.toarray() == same.user_items.toarray()).all()
    for name in ("user_ids", "movie_ids", "recency"):
        assert getattr(one, name).tolist() == getattr(same, name).tolist(), name
        assert getattr(one, name).dtype == getattr(same, name).dtype, name
    assert one.rated_on.tolist() == [11_323] * 3
    nobody = build_single_user_interactions([77], [5], known, rated_on=1)
    assert (nobody.user_ids.tolist(), nobody.user_items.shape) == ([], (0, 4))


@pytest.mark.parametrize(
    ("movie_ids", "ratings", "fault"),
    [
        ([1], [5.5], "rating 5.5 of movie 1"),
        ([1, 2], [4.0], "2 movies but 1 ratings"),
        ([3], [float("nan")], "movie 3"),
    ],
)
def test_ratings_that_are_none_are_refused(recommender, movie_ids, ratings, fault):
    with pytest.raises(ValueError, match=fault):
        recommender.recommend_from_ratings(movie_ids, ratings, n=3)
