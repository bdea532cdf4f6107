"""What holds for every candidate model of the registry."""

import numpy as np
import pytest
import scipy.sparse as sp

from movierec.candidates import CANDIDATE_MODELS, transitions
from movierec.candidates.base import top_candidates
from movierec.candidates.content import ContentModel
from movierec.candidates.ease import EASE, EASEParams, compute_weights
from movierec.candidates.ials import IALS, REFERENCE_PARAMS, IALSParams
from movierec.candidates.implicit_feedback import compute_confidence
from movierec.candidates.item_knn import ItemKNN, ItemKNNParams
from movierec.candidates.popularity import Popularity, PopularityParams
from movierec.candidates.svd import SVD, SVDParams
from movierec.candidates.transitions import Transitions, TransitionsParams
from movierec.candidates.trending import Trending, TrendingParams
from movierec.data.interactions import Interactions, binarize_likes
from movierec.data.schema import CANDIDATES
from movierec.features.content import build_content_vectors
from tests import factories


@pytest.fixture(scope="module")
def board():
    return Interactions.from_ratings(factories.make_checkerboard_ratings())


@pytest.fixture(scope="module", params=list(CANDIDATE_MODELS))
def model(request, board):
    return CANDIDATE_MODELS[request.param].fit(board)


def test_the_answer_has_one_shape(model, board):
    table = top_candidates(model, board, [3, 8], 5)
    assert dict(table.schema) == CANDIDATES
    assert table["user_id"].to_list() == [3] * 5 + [8] * 5
    assert table["rank"].to_list() == [1, 2, 3, 4, 5] * 2
    assert all(table.filter(user_id=user)["score"].is_sorted(descending=True) for user in (3, 8))


def test_nobody_is_recommended_what_they_have_rated(model, board):
    table = top_candidates(model, board, board.user_ids, 40)
    rated = {
        (int(u), int(m))
        for u, row in zip(board.user_ids, range(40), strict=True)
        for m in board.movie_ids[board.get_seen_columns(row)]
    }
    assert rated.isdisjoint(table.select("user_id", "movie_id").iter_rows())


def test_unknown_users_have_no_rows(model, board):
    assert top_candidates(model, board, [999], 5).is_empty()


def test_a_fit_repeats_itself(model, board):
    again = type(model).fit(board, model.params)
    assert top_candidates(model, board, board.user_ids, 10).equals(top_candidates(again, board, board.user_ids, 10))


def test_what_was_saved_answers_the_same(model, board, tmp_path):
    model.save(tmp_path)
    loaded = type(model).load(tmp_path)
    assert top_candidates(model, board, board.user_ids, 10).equals(top_candidates(loaded, board, board.user_ids, 10))
    assert loaded.params == model.params


def test_no_model_is_written_as_a_pickle(model, tmp_path):
    model.save(tmp_path)
    kinds = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert kinds <= {".npy", ".json", ".parquet"}


def test_ials_recommends_the_one_movie_of_a_users_colour_they_have_not_seen(board):
    model = IALS.fit(board, IALSParams(factors=4))
    first = top_candidates(model, board, board.user_ids, 1)
    assert first["movie_id"].to_list() == first["user_id"].to_list()


@pytest.mark.parametrize("kind", [EASE, ItemKNN])
def test_item_models_recommend_it_too(kind, board):
    first = top_candidates(kind.fit(board), board, board.user_ids, 1)
    assert first["movie_id"].to_list() == first["user_id"].to_list()


def test_interactions_of_other_movies_are_refused(model):
    others = Interactions.from_ratings(factories.make_checkerboard_ratings(20, 30))
    with pytest.raises(ValueError, match=r"fitted on other movies \(40\) than those of the interactions \(30\)"):
        top_candidates(model, others, [3], 5)


def test_a_fit_of_interactions_mapped_read_only_is_the_same(model, board, tmp_path):
    board.save(tmp_path)
    again = type(model).fit(Interactions.load(tmp_path), model.params)
    assert again.score(board) == pytest.approx(model.score(board), abs=1e-6)


def test_a_model_keeps_no_ratings(model, tmp_path):
    model.save(tmp_path)
    names = {path.name for path in tmp_path.rglob("*")}
    assert names.isdisjoint({"interactions", "user_ids.npy", "recency.npy", "rated_on.npy"})


def test_a_few_people_are_scored_as_among_many(model, board):
    few, many = (model.score(board.select_users(np.arange(n))) for n in (3, 30))
    assert few == pytest.approx(many[:3], abs=1e-5)


def test_scoring_somebody_without_ratings_is_no_error(model, board):
    somebody = board.select_users(np.arange(1))
    nobody = somebody.filter_ratings(np.zeros(len(somebody.recency), bool))
    scores = model.score(nobody)
    assert scores.shape == (1, 40)
    assert not np.isnan(scores).any()


def test_ease_by_either_matrix_is_the_same():
    """Few users go by the matrix of users, many by that of movies; both are the closed form of the paper."""
    x = sp.csr_array((np.random.default_rng(1).random((12, 9)) < 0.4).astype(float))
    book = np.linalg.inv((x.T @ x).toarray() + 3 * np.eye(9))
    book = book / -np.diag(book)
    np.fill_diagonal(book, 0)
    assert compute_weights(x, 3.0) == pytest.approx(book, abs=1e-5)
    wide = x.T.tocsr()
    book = np.linalg.inv((wide.T @ wide).toarray() + 3 * np.eye(12))
    book = book / -np.diag(book)
    np.fill_diagonal(book, 0)
    assert compute_weights(wide, 3.0) == pytest.approx(book, abs=1e-5)


def test_ease_sums_the_weights_to_what_was_liked_to_the_fourth_digit(board):
    x = binarize_likes(board.user_items, 4.0)
    expected = x @ compute_weights(x.astype(np.float64), EASEParams().regularization)
    assert EASE.fit(board).score(board) == pytest.approx(expected[:40], abs=1e-4 * float(np.abs(expected).max()))


def test_ease_leaves_rarely_rated_movies_to_others(board):
    model = EASE.fit(board, EASEParams(max_movies=10))
    assert np.isneginf(model.score(board.select_users(np.array([0])))).sum() == 30
    assert len(top_candidates(model, board, [1], 40)) <= 10


def test_item_similarity_by_hand():
    table = factories.make_ratings((1, 1, 5.0), (1, 2, 5.0), (2, 1, 5.0), (2, 2, 4.0), (3, 1, 4.0), (3, 3, 1.0))
    interactions = Interactions.from_ratings(table)
    model = ItemKNN.fit(interactions, ItemKNNParams(neighbours=2))
    # Movies 1 and 2: two people like both, three like the one and two the other.
    expected = 2 / np.sqrt(3 * 2)
    assert model.score(interactions)[2].tolist() == pytest.approx([0, expected, 0])


def test_transitions_go_forward_and_near_ones_count_more():
    table = factories.make_ratings((1, 1, 5.0), (1, 2, 5.0), (1, 3, 4.0), (2, 1, 5.0))
    interactions = Interactions.from_ratings(table)
    params = TransitionsParams(popularity_power=0, source_power=0, min_rating=4.0, decay=0.9)
    first, second = Transitions.fit(interactions, params).score(interactions).tolist()
    assert second == pytest.approx([0, 1, 1 / 2])  # after movie 1: 2, and then 3
    # The last rating counts whole, the one before 0.9 of it; nothing comes after movie 3.
    assert first == pytest.approx([0, 0.9**2, 0.9**2 / 2 + 0.9])


def test_transitions_to_what_was_not_liked_do_not_count():
    interactions = Interactions.from_ratings(factories.make_ratings((1, 1, 5.0), (1, 2, 2.0), (2, 1, 5.0)))
    assert Transitions.fit(interactions).score(interactions)[1].tolist() == [0, 0]


def test_a_disliked_movie_does_not_recommend_what_is_watched_after_it():
    board = factories.make_checkerboard_ratings()
    fitted_on = Interactions.from_ratings(board)
    model = Transitions.fit(fitted_on)
    scores = {}
    for stars in (2.5, 3.0, 5.0):
        one = Interactions.from_ratings(factories.make_ratings((1, 4, stars)), fitted_on.movie_ids)
        scores[stars] = model.score(one)[0]
        lost = model.leave_one_out(one, np.zeros(1, np.intp), np.arange(len(fitted_on.movie_ids)))[0]
        assert lost == pytest.approx(scores[stars])
    assert not scores[2.5].any()
    assert scores[3.0].any()
    assert scores[3.0] == pytest.approx(scores[5.0])


def test_only_the_strongest_transitions_are_kept():
    interactions = Interactions.from_ratings(factories.make_ratings((1, 1, 5.0), (1, 2, 5.0), (1, 3, 4.0), (2, 1, 5.0)))
    model = Transitions.fit(interactions, TransitionsParams(neighbours=1))
    assert np.flatnonzero(model.score(interactions)[1]).tolist() == [1]


def test_counting_transitions_a_few_users_at_a_time_changes_nothing(board, monkeypatch):
    whole = Transitions.fit(board).score(board)
    monkeypatch.setattr(transitions, "PAIRS_AT_ONCE", 1)
    assert Transitions.fit(board).score(board) == pytest.approx(whole)


def test_svd_with_every_factor_gives_back_what_a_user_rated_above_their_mean():
    table = factories.make_ratings(
        (1, 1, 5.0), (1, 2, 1.0), (2, 1, 4.0), (2, 3, 2.0), (3, 2, 3.0), (4, 3, 3.0), (4, 2, 1.0)
    )
    interactions = Interactions.from_ratings(table)
    model = SVD.fit(interactions, SVDParams(factors=2))
    assert model.score(interactions)[0].tolist() == pytest.approx([2, -2, 0], abs=0.4)
    assert model.item_factors.T @ model.item_factors == pytest.approx(np.eye(2), abs=1e-5)


POOR_DATA = {
    "all ratings equal": [(user, movie, 4.0) for user in range(1, 9) for movie in range(1, 7) if (user + movie) % 3],
    "one rating for each user": [(user, movie, user / 2) for user in range(1, 9) for movie in range(1, 7) if movie % 2],
    "everybody rated one movie": [(user, 1, 0.5 + user % 9 / 2) for user in range(1, 9)],
    "every pair alone": [(user, user, 3.0 + user % 5 / 2) for user in range(1, 9)],
    "two users": [(user, movie, 1.0 + (user * movie) % 5) for user in (1, 2) for movie in range(user, 9)],
    "one user": [(1, movie, 1.0 + movie % 5) for movie in range(1, 9)],
    "one user, all ratings equal": [(1, movie, 5.0) for movie in range(1, 9)],
    "a single rating": [(1, 1, 4.0)],
}


@pytest.mark.parametrize("rows", POOR_DATA.values(), ids=POOR_DATA.keys())
@pytest.mark.parametrize("name", CANDIDATE_MODELS)
def test_every_model_is_fitted_on_ratings_that_teach_little(name, rows, tmp_path):
    interactions = Interactions.from_ratings(factories.make_ratings(*rows))
    model = CANDIDATE_MODELS[name].fit(interactions)
    model.save(tmp_path)
    scores = type(model).load(tmp_path).score(interactions)
    assert scores.shape == interactions.user_items.shape
    assert not np.isnan(scores).any()


def test_svd_learns_nothing_from_users_who_rate_everything_alike():
    interactions = Interactions.from_ratings(factories.make_ratings((1, 1, 4.0), (1, 2, 4.0), (2, 1, 2.0), (2, 3, 2.0)))
    assert SVD.fit(interactions).score(interactions).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_svd_of_one_user_is_what_that_user_thinks():
    interactions = Interactions.from_ratings(factories.make_ratings((1, 1, 5.0), (1, 2, 1.0), (1, 3, 3.0)))
    assert SVD.fit(interactions).score(interactions)[0].tolist() == pytest.approx([2, -2, 0], abs=1e-5)


def test_content_scores_a_movie_that_nobody_has_rated():
    movies = factories.make_movies(6)
    content = build_content_vectors(movies.collect(), factories.make_tags().collect())
    interactions = Interactions.from_ratings(factories.make_ratings((1, 2, 5.0), (1, 3, 1.0)))
    model = ContentModel.fit(interactions, content=content)
    like, unlike, unknown = model.score_movies(interactions, [6, 5, 77])[0]
    assert like > unlike  # even movies are of one genre, odd ones of another
    assert unknown == 0


def test_trending_is_popularity_where_old_ratings_fade():
    table = factories.make_ratings((1, 1, 4.0), (2, 1, 4.0), (3, 2, 4.0))  # each a day after the one before
    model = Trending.fit(Interactions.from_ratings(table), TrendingParams(half_life_days=1, min_weight=0))
    assert model.trend.tolist() == pytest.approx([4 + np.log1p(0.75), 4 + np.log1p(1)])
    assert model.list_top_movies(5) == [2, 1]
    assert Trending.fit(Interactions.from_ratings(table)).list_top_movies(1) == [1]  # within half a year number counts


def test_popularity_is_mean_rating_plus_log_of_one_plus_count():
    table = Interactions.from_ratings(factories.make_ratings((1, 1, 4.0), (2, 1, 5.0), (1, 2, 2.0)))
    stats = Popularity.fit(table, PopularityParams(w_r=2, w_c=3, min_ratings=1)).compute_movie_stats()
    assert stats["movie_id"].to_list() == [1, 2]
    assert stats["popularity"].to_list() == pytest.approx([2 * 4.5 + 3 * np.log(3), 2 * 2.0 + 3 * np.log(2)])


def test_a_movie_below_the_floor_is_not_popular_however_loved():
    rows = [(user, 1, 3.0) for user in range(1, 6)] + [(1, 2, 5.0)]
    interactions = Interactions.from_ratings(factories.make_ratings(*rows))
    model = Popularity.fit(interactions, PopularityParams(min_ratings=5))
    assert model.compute_movie_stats().filter(movie_id=2)["popularity"].to_list() == [None]
    assert top_candidates(model, interactions, [2], 5).is_empty()


def test_where_no_movie_reaches_the_floor_the_most_rated_ones_count():
    interactions = Interactions.from_ratings(factories.make_ratings((1, 1, 4.0), (2, 1, 4.0), (1, 2, 5.0)))
    model = Popularity.fit(interactions)
    assert top_candidates(model, interactions, [2], 5)["movie_id"].to_list() == []
    assert model.compute_movie_stats().drop_nulls("popularity")["movie_id"].to_list() == [1]


@pytest.mark.parametrize(
    ("mode", "expected"), [("linear", [9, 21]), ("log", [1 + 4 * np.log(3), 1 + 4 * np.log(6)]), ("binary", [4, 4])]
)
def test_confidence_follows_its_mode(mode, expected):
    table = Interactions.from_ratings(factories.make_ratings((1, 1, 2.0), (1, 2, 5.0)))
    params = IALSParams(alpha=4, confidence=mode, min_rating=0)
    assert compute_confidence(table.user_items, params).data.tolist() == pytest.approx(expected)


def test_ratings_below_the_least_one_are_no_sign_of_liking():
    table = Interactions.from_ratings(factories.make_ratings((1, 1, 2.0), (1, 2, 5.0)))
    assert compute_confidence(table.user_items, IALSParams(min_rating=3.5)).indices.tolist() == [1]


def test_a_user_who_liked_nothing_is_ranked_for_like_the_mean_user(board):
    sour = factories.make_checkerboard_ratings().collect().vstack(factories.make_ratings((99, 1, 0.5)).collect()).lazy()
    interactions = Interactions.from_ratings(sour)
    scores = IALS.fit(interactions, IALSParams(factors=4)).score(interactions)
    assert scores[-1] == pytest.approx(scores[:-1].mean(axis=0), rel=1e-3)


def test_the_reference_hyper_parameters_stay_selectable():
    assert (REFERENCE_PARAMS.factors, REFERENCE_PARAMS.iterations, REFERENCE_PARAMS.regularization) == (128, 20, 0.01)
    assert (REFERENCE_PARAMS.unobserved, REFERENCE_PARAMS.frequency_scaling) == (1, 0)
    assert (REFERENCE_PARAMS.alpha, REFERENCE_PARAMS.confidence, REFERENCE_PARAMS.min_rating) == (15, "linear", 0)
