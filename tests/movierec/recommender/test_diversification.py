from dataclasses import replace

import numpy as np
import pytest

from movierec.recommender.diversification import intra_list_distance, select_by_mmr
from tests import factories

SAME, OTHER = (1.0, 0.0), (0.0, 1.0)


def test_without_weight_the_order_stays():
    scores = np.array([[3.0, 2.0, 1.0]], np.float32)
    vectors = np.array([[SAME, SAME, OTHER]], np.float32)
    assert select_by_mmr(scores, vectors, weight=0, n=2).tolist() == [[0, 1]]


def test_with_weight_the_unlike_one_comes_before_the_alike():
    scores = np.array([[3.0, 2.0, 1.0]], np.float32)
    vectors = np.array([[SAME, SAME, OTHER]], np.float32)
    # After the first: 0.5 * 0.5 - 0.5 * 1 for the alike one, 0.5 * 0 - 0 for the other.
    assert select_by_mmr(scores, vectors, weight=0.5, n=3).tolist() == [[0, 2, 1]]


def test_places_without_a_movie_stay_behind():
    scores = np.array([[3.0, 2.0, -np.inf]], np.float32)
    vectors = np.array([[SAME, SAME, OTHER]], np.float32)
    assert select_by_mmr(scores, vectors, weight=0.9, n=3).tolist() == [[0, 1, 2]]


def test_distance_within_a_list_by_hand():
    vectors = np.array([[SAME, SAME, OTHER], [SAME, SAME, SAME]], np.float32)
    assert intra_list_distance(vectors).tolist() == pytest.approx([2 / 3, 0])


def test_a_diverse_recommender_gives_other_movies_and_the_same_ones_when_it_is_not():
    plain = factories.fit_recommender()
    users = plain.interactions.user_ids
    assert replace(plain, diversity=0.0).recommend_for_users(users, n=6).equals(plain.recommend_for_users(users, n=6))
    diverse = replace(plain, diversity=0.9).recommend_for_users(users, n=6)
    assert diverse.height == plain.recommend_for_users(users, n=6).height
    assert not diverse.equals(plain.recommend_for_users(users, n=6))
    genres = {movie % 2 for movie in diverse.filter(user_id=4)["movie_id"]}
    assert genres == {0, 1}  # even movies are action, odd ones comedies
