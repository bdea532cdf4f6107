import polars as pl
import pytest

from movierec.candidates.ease import EASE, EASEParams
from movierec.data.interactions import Interactions
from movierec.data.splitting import ratings_at_cut, split_by_user
from movierec.data.windows import choose_windows
from movierec.evaluation.evaluation import validate_on_labels
from movierec.experiments.trials import (
    N_TRIAL_WINDOWS,
    build_ranker_trials,
    compute_candidate_ndcg,
    compute_ranker_ndcg,
    list_trial_cuts,
)
from movierec.recommender.ranker import RankerParams
from tests import factories

FAST = RankerParams(iterations=20, one_fold_from=0)


@pytest.fixture(scope="module")
def ratings():
    """40 users, one after the other: in each window some are new, and no taste is forgotten."""
    return factories.make_checkerboard_ratings()


@pytest.fixture(scope="module")
def windows(ratings):
    return choose_windows(ratings)


def make_later_nonsense(ratings, moment):
    """The same ratings, liked and disliked exchanged from `moment` on."""
    return ratings.with_columns(
        rating=pl.when(pl.col("rated_at") >= moment).then(pl.lit(1.0, pl.Float32)).otherwise("rating")
    )


def list_cuts(ratings, windows):
    return list_trial_cuts(ratings, ratings.clear(), windows)


def test_a_model_that_learns_the_taste_is_judged_better_than_one_that_cannot(ratings, windows):
    cuts = list_cuts(ratings, windows)
    assert len(cuts) == N_TRIAL_WINDOWS
    taught = compute_candidate_ndcg("ease", EASEParams(regularization=1.0), cuts)
    same_for_all = compute_candidate_ndcg("popularity", None, cuts)
    assert taught > 0.7
    assert same_for_all < taught - 0.1


def test_nothing_is_judged_on_the_last_window(ratings, windows):
    nonsense = make_later_nonsense(ratings, windows[-1].cut)
    values = [compute_candidate_ndcg("ease", None, list_cuts(table, windows)) for table in (ratings, nonsense)]
    assert values[0] == values[1]
    before = make_later_nonsense(ratings, windows[-2].cut)
    assert len(list_cuts(before, windows)) == N_TRIAL_WINDOWS - 1  # nobody likes anything in the window before


def test_the_ranker_learns_from_windows_before_the_one_that_judges_it(ratings, windows):
    trials = build_ranker_trials(ratings, factories.make_movies(40), windows)
    assert len(trials) == N_TRIAL_WINDOWS
    sizes = [len(trial.rows) for trial in trials]
    assert sizes == sorted(set(sizes))  # each learns from one window more
    assert compute_ranker_ndcg(FAST, trials) > 0.5
    shorter = build_ranker_trials(ratings, factories.make_movies(40), windows[:2])
    assert shorter == []  # nothing to learn from before the first


def test_ratings_without_windows_are_judged_by_what_each_user_rated_later():
    ratings = factories.make_checkerboard_ratings()
    split = split_by_user(ratings)
    (cut,) = list_trial_cuts(ratings, split, [])
    assert set(cut.relevant["segment"]) == {"returning"}
    history = Interactions.from_ratings(ratings_at_cut(split, "history"))
    of_labels = validate_on_labels(EASE.fit(history), history, split, max_users=100)
    assert compute_candidate_ndcg("ease", None, [cut]) == pytest.approx(of_labels["ndcg_at_10"])
    assert list_trial_cuts(ratings, split_by_user(ratings.with_columns(rating=pl.lit(1.0, pl.Float32))), []) == []
