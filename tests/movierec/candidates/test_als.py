"""ALS of the library `implicit`, and that we fold a user in as the library does."""

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.als import ALS, REFERENCE_PARAMS, ALSParams
from movierec.candidates.base import top_candidates
from movierec.candidates.implicit_feedback import compute_confidence
from movierec.data.interactions import Interactions
from tests import factories

MODES = ("linear", "log", "binary")


@pytest.fixture(scope="module")
def board():
    return Interactions.from_ratings(factories.make_checkerboard_ratings())


def rate_at_random(n_users=40, n_movies=30, share=0.3):
    random = np.random.default_rng(5)
    users, movies = np.nonzero(random.random((n_users, n_movies)) < share)
    stars = random.integers(1, 11, len(users)) / 2
    return factories.make_ratings(*zip((users + 1).tolist(), (movies + 1).tolist(), stars.tolist(), strict=True))


def load_into_library(model):
    """The library's model with the factors of `model`."""
    p = model.params
    with threadpool_limits(1, "blas"):
        library = AlternatingLeastSquares(factors=p.factors, regularization=p.regularization, use_gpu=False)
    library.item_factors = np.array(model.item_factors)
    library.user_factors = np.zeros((1, p.factors), np.float32)
    return library


@pytest.mark.parametrize("mode", MODES)
def test_als_recommends_the_one_movie_of_a_users_colour_they_have_not_seen(board, mode):
    model = ALS.fit(board, ALSParams(factors=4, alpha=5, regularization=1, confidence=mode))
    first = top_candidates(model, board, board.user_ids, 1)
    assert first["movie_id"].to_list() == first["user_id"].to_list()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("factors", "regularization"), [(4, 0.01), (16, 10.0)])
def test_a_user_is_scored_as_the_library_would_fold_them_in(mode, factors, regularization):
    """Factors fewer than a user's ratings, and more; users of the fit, and one who is not of it."""
    ratings = rate_at_random()
    fitted_on = Interactions.from_ratings(ratings.filter(pl.col("user_id") < 40))
    people = Interactions.from_ratings(ratings, fitted_on.movie_ids)
    params = ALSParams(factors=factors, regularization=regularization, alpha=6, confidence=mode, min_rating=1.0)
    model = ALS.fit(fitted_on, params)
    library = load_into_library(model)
    weights = sp.csr_matrix(compute_confidence(people.user_items, params))
    users = library.recalculate_user(np.arange(len(people.user_ids)), weights)
    assert model.score(people) == pytest.approx(users @ model.item_factors.T, abs=1e-4)
    ids, _ = library.recommend(39, weights[39], N=3, recalculate_user=True, filter_items=people.get_seen_columns(39))
    expected = people.movie_ids[ids].tolist()
    assert top_candidates(model, people, [40], 3)["movie_id"].to_list() == expected


def test_the_number_of_threads_changes_nothing():
    interactions = Interactions.from_ratings(rate_at_random(300, 100))
    params = ALSParams(factors=16)
    with threadpool_limits(1, "openmp"):
        alone = ALS.fit(interactions, params)
    with threadpool_limits(2, "openmp"):
        together = ALS.fit(interactions, params)
    assert np.array_equal(alone.item_factors, together.item_factors)
    assert np.array_equal(alone.mean_user, together.mean_user)


def test_another_seed_gives_other_factors(board):
    factors = [ALS.fit(board, ALSParams(factors=4, seed=seed)).item_factors for seed in (1, 1, 2)]
    assert np.array_equal(factors[0], factors[1])
    assert not np.array_equal(factors[0], factors[2])


def test_a_user_without_a_rating_that_counts_is_ranked_for_like_the_mean_user():
    sour = factories.make_checkerboard_ratings().collect().vstack(factories.make_ratings((99, 1, 0.5)).collect()).lazy()
    interactions = Interactions.from_ratings(sour)
    scores = ALS.fit(interactions, ALSParams(factors=4, regularization=1, min_rating=3.5)).score(interactions)
    assert scores[-1] == pytest.approx(scores[:-1].mean(axis=0), rel=0.02)


def test_the_arrays_of_a_loaded_model_are_mapped_and_hold_no_users(board, tmp_path):
    ALS.fit(board, ALSParams(factors=4)).save(tmp_path)
    assert {path.name: np.load(path).shape for path in tmp_path.glob("*.npy")} == {
        "movie_ids.npy": (40,),
        "item_factors.npy": (40, 4),
        "mean_user.npy": (4,),
    }
    factors = ALS.load(tmp_path).item_factors
    assert isinstance(factors.base, np.memmap) or isinstance(factors, np.memmap)
    assert not factors.flags.writeable


def test_the_seed_designs_parameters_are_a_model_of_their_own(board):
    p = CANDIDATE_MODELS["als_reference"].fit(board).params
    assert p == REFERENCE_PARAMS
    assert (p.factors, p.iterations, p.regularization, p.alpha) == (128, 20, 0.01, 15)
    assert (p.confidence, p.min_rating) == ("linear", 0)
    assert CANDIDATE_MODELS["als"].fit(board).params == ALSParams() != REFERENCE_PARAMS


@pytest.mark.parametrize(("mode", "alpha", "least"), [("linear", 0, 0), ("log", -1, 0), ("binary", 1, 1)])
def test_a_rated_movie_must_weigh_more_than_one_that_is_not(mode, alpha, least):
    with pytest.raises(ValueError, match=rf"alpha is {alpha}: confidence '{mode}' needs more than {least}"):
        ALSParams(confidence=mode, alpha=alpha)
