from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.ease import EASE, EASEParams
from movierec.candidates.ials import IALS, IALSParams
from movierec.candidates.transitions import Transitions, TransitionsParams
from movierec.data.interactions import Interactions
from movierec.features.names import BASE_FEATURES, TMDB_FEATURES, USER_FEATURES
from movierec.recommender.explanations import (
    N_RATINGS_TRIED,
    describe_feature,
    explain_columns,
    find_influential_ratings,
)
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from movierec.recommender.training_rows import CandidateBlock, build_ranker_matrix, list_ranker_features
from movierec.recommender.two_stage import build_single_user_interactions
from tests import factories


@pytest.fixture(scope="module")
def recommender():
    return factories.fit_recommender()


def test_the_parts_of_a_score_sum_to_the_score(recommender):
    people = recommender.interactions.select_users(np.arange(5))
    proposals = recommender.retrieval.propose(people, n=10)
    matrix = build_ranker_matrix(recommender.retrieval, recommender.features, people.user_ids, proposals)
    parts = recommender.ranker.trees.compute_shap_values(matrix)
    assert parts.sum(axis=1) == pytest.approx(recommender.ranker.score(matrix), abs=1e-6)


@pytest.mark.parametrize("channels", RECOMMENDER_CHANNELS.values())
def test_every_feature_of_a_ranker_has_words(channels):
    assert all(
        describe_feature(feature) for feature in list_ranker_features(channels, (*BASE_FEATURES, *TMDB_FEATURES))
    )
    with pytest.raises(KeyError):
        describe_feature("shoe_size_score")


def test_a_recommendation_is_explained_by_three_reasons_and_the_ratings_that_moved_it(recommender):
    rated = ([2, 4, 6, 3], [5, 5, 5, 1])
    found = recommender.recommend_from_ratings(*rated, n=3, explain=True)
    assert found._replace(explanations={}) == recommender.recommend_from_ratings(*rated, n=3)
    assert [each.movie_id for each in found.explanations.values()] == list(found.explanations) == found.movie_ids
    for each in found.explanations.values():
        assert len({reason.words for reason in each.parts.reasons}) == 3
        sizes = [abs(reason.contribution) for reason in each.parts.reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert set(each.influential_movie_ids) <= {2, 4, 6}  # what was disliked speaks for nothing


def test_what_is_equal_for_all_candidates_of_a_user_is_no_reason(recommender):
    """The mean of the user's ratings moves every score alike: it says nothing about a movie."""
    of_user = set(USER_FEATURES)
    for user in range(1, 6):
        found = recommender.recommend_for_user(user, n=5, explain=True)
        reasons = [reason for each in found.explanations.values() for reason in each.parts.reasons]
        assert reasons
        assert of_user.isdisjoint(reason.feature for reason in reasons)


def test_a_feature_that_is_missing_for_all_candidates_is_no_reason_but_one_that_is_missing_for_some(recommender):
    people = recommender.interactions.select_users(np.arange(1))
    proposals = recommender.retrieval.propose(people, n=10)
    matrix = build_ranker_matrix(recommender.retrieval, recommender.features, people.user_ids, proposals)
    matrix[:, 0], matrix[0, 1], matrix[1:, 1] = np.nan, np.nan, 1.0
    block = CandidateBlock(people, proposals, matrix)
    columns = proposals.columns[0][:3]
    (first, *_) = explain_columns(recommender.retrieval, recommender.ranker, block, columns)
    names = recommender.ranker.feature_names
    assert names[0] not in {reason.feature for reason in first.parts.reasons}
    assert len(first.parts.reasons) == 3


def test_base_reasons_and_others_are_the_score_that_was_served(recommender):
    rated = ([2, 4, 6, 3], [5, 5, 5, 1])
    everybody = [recommender, replace(recommender, diversity=0.5)]
    for found in (
        *(each.recommend_for_user(3, n=5, explain=True) for each in everybody),
        *(each.recommend_from_ratings(*rated, n=5, explain=True) for each in everybody),
    ):
        parts = [found.explanations[movie_id].parts for movie_id in found.movie_ids]
        sums = [base + sum(reason.contribution for reason in reasons) + others for base, reasons, others in parts]
        assert sums == pytest.approx(found.scores, abs=1e-5)


def lost_by_leaving_out(model, one, tried, columns):
    """Every movie scored anew without each rating."""
    n = one.user_items.nnz
    kept = np.ones((1 + len(tried), n), bool)
    kept[1 + np.arange(len(tried)), tried] = False
    without = one.select_users(np.zeros(1 + len(tried), np.intp)).filter_ratings(kept.ravel())
    scores = model.score(without)[:, columns].astype(np.float64)
    scores = np.where(np.isfinite(scores), scores, 0)
    return scores[0] - scores[1:]


@pytest.fixture(scope="module")
def much_rated():
    """People with 1 to 79 of 80 movies rated, at random."""
    lot = np.random.default_rng(5)
    rated = [lot.permutation(np.arange(1, 81))[: 1 + 2 * (user % 40)] for user in range(80)]
    stars = [(user, int(movie), float(lot.integers(1, 11) / 2)) for user in range(80) for movie in rated[user]]
    return Interactions.from_ratings(factories.make_ratings(*stars))


@pytest.mark.parametrize(
    "fitted",
    [
        partial(EASE.fit, params=EASEParams(regularization=20, max_movies=60)),
        partial(Transitions.fit, params=TransitionsParams(last=20)),
        partial(IALS.fit, params=IALSParams(factors=8, iterations=3)),
        partial(IALS.fit, params=IALSParams(factors=8, iterations=3, frequency_scaling=0, confidence="linear")),
    ],
)
def test_what_a_rating_is_worth_is_what_the_scores_lose_without_it(fitted, much_rated):
    model = fitted(much_rated)
    columns = np.arange(0, 80, 3)
    for row in range(80):
        one = much_rated.select_users(np.array([row]))
        tried = np.flatnonzero(one.recency <= N_RATINGS_TRIED)
        lost = model.leave_one_out(one, tried, columns)
        assert lost == pytest.approx(lost_by_leaving_out(model, one, tried, columns), abs=2e-5)


@pytest.mark.parametrize("name", RECOMMENDER_CHANNELS["two_stage"])
def test_every_channel_that_is_served_tells_what_a_rating_is_worth(name):
    assert hasattr(CANDIDATE_MODELS[name].model_class, "leave_one_out")


def test_the_movie_that_a_score_hangs_on_comes_first(recommender):
    """Movies 2 and 4 are of the colour of 10, movie 3 is not."""
    one = build_single_user_interactions([3, 2, 4], [5, 5, 5], recommender.interactions.movie_ids, rated_on=11_000)
    columns = recommender.interactions.find_movie_columns([10])
    proposals = recommender.retrieval.propose(one, n=10)
    (moved,) = find_influential_ratings(recommender.retrieval, one, proposals, columns, top=3)
    assert set(moved[:2]) == {2, 4}


def test_nothing_is_explained_to_whom_nothing_is_known_of(recommender):
    assert recommender.recommend_from_ratings([], [], n=2, explain=True).explanations == {}
    assert recommender.recommend_for_user(4711, n=2, explain=True).explanations == {}


def test_without_a_ranker_the_ratings_speak_alone(recommender):
    found = replace(recommender, ranker=None).recommend_from_ratings([2, 4, 6], [5, 5, 5], n=3, explain=True)
    assert [each.parts for each in found.explanations.values()] == [None] * 3
    assert all(each.influential_movie_ids for each in found.explanations.values())


def test_the_ratings_behind_one_movie_can_be_asked_for_alone(recommender):
    rated = ([2, 4, 6, 3], [5, 5, 5, 1])
    for movie_id, explained in recommender.recommend_from_ratings(*rated, n=5, explain=True).explanations.items():
        assert recommender.influential_ratings(*rated, movie_id) == explained.influential_movie_ids
    assert recommender.influential_ratings([], [], 10) == recommender.influential_ratings(*rated, 12345) == []
