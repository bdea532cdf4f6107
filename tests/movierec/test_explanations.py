from functools import partial

import numpy as np
import pytest

from movierec.explanations import because_of, words_of
from movierec.features import BASE_FEATURES, TMDB_FEATURES
from movierec.interactions import Interactions
from movierec.ranking import ranker_features, ranker_matrix
from movierec.recommender import ratings_of_one
from movierec.retrieval import RECOMMENDERS
from tests import factories


@pytest.fixture(scope="module")
def recommender():
    return factories.recommender()


def test_the_parts_of_a_score_sum_to_the_score(recommender):
    people = recommender.interactions.take(np.arange(5))
    proposals = recommender.retrieval.propose(people, n=10)
    matrix = ranker_matrix(recommender.retrieval, recommender.features, people.user_ids, proposals)
    parts = recommender.ranker.trees.shap_values(matrix)
    assert parts.sum(axis=1) == pytest.approx(recommender.ranker.score(matrix), abs=1e-6)


@pytest.mark.parametrize("channels", RECOMMENDERS.values())
def test_every_feature_of_a_ranker_has_words(channels):
    assert all(words_of(feature) for feature in ranker_features(channels, (*BASE_FEATURES, *TMDB_FEATURES)))
    with pytest.raises(KeyError):
        words_of("shoe_size_score")


def test_a_recommendation_is_explained_by_three_reasons_and_the_ratings_that_moved_it(recommender):
    rated = ([2, 4, 6, 3], [5, 5, 5, 1])
    found = recommender.for_ratings(*rated, n=3)
    explained = recommender.explain(*rated, found.movie_ids)
    assert [each.movie_id for each in explained] == found.movie_ids
    for each in explained:
        assert len({reason.words for reason in each.parts.reasons}) == 3
        sizes = [abs(reason.contribution) for reason in each.parts.reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert set(each.because_of) <= {2, 4, 6}  # what was disliked speaks for nothing


def test_base_reasons_and_others_are_the_score_that_was_served(recommender):
    rated = ([2, 4, 6, 3], [5, 5, 5, 1])
    for found, explained in (
        (recommender.for_user(3, n=5), partial(recommender.explain_user, 3)),
        (recommender.for_ratings(*rated, n=5), partial(recommender.explain, *rated)),
    ):
        parts = [each.parts for each in explained(found.movie_ids)]
        sums = [base + sum(reason.contribution for reason in reasons) + others for base, reasons, others in parts]
        assert sums == pytest.approx(found.scores, abs=1e-5)


def test_the_movie_that_a_score_hangs_on_comes_first(recommender):
    """Movies 2 and 4 are of the colour of 10, movie 3 is not."""
    one = Interactions.of(ratings_of_one([3, 2, 4], [5, 5, 5], now=2001), recommender.interactions.movie_ids)
    columns = recommender.interactions.columns_of([10])
    (moved,) = because_of(recommender.retrieval, one, columns, top=3)
    assert set(moved[:2]) == {2, 4}


def test_nothing_is_explained_to_whom_nothing_is_known_of(recommender):
    assert recommender.explain([], [], [2, 4]) == []
    assert recommender.explain([2], [5], [12345]) == recommender.explain_user(4711, [2]) == []


def test_the_ratings_behind_one_movie_can_be_asked_for_alone(recommender):
    rated = ([2, 4, 6, 3], [5, 5, 5, 1])
    (explained,) = recommender.explain(*rated, [10])
    assert recommender.because_of(*rated, 10) == explained.because_of
    assert recommender.because_of([], [], 10) == recommender.because_of(*rated, 12345) == []
