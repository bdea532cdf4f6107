import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.evaluation import metrics


def ranking(*movies, user=1):
    return pl.DataFrame(
        {"user_id": [user] * len(movies), "movie_id": movies, "rank": range(1, len(movies) + 1)},
        schema={"user_id": pl.Int32, "movie_id": pl.Int32, "rank": pl.Int32},
    )


def relevant(*movies, user=1):
    return pl.DataFrame(
        {"user_id": [user] * len(movies), "movie_id": movies}, schema={"user_id": pl.Int32, "movie_id": pl.Int32}
    )


def test_every_metric_by_hand():
    row = metrics.compute_user_metrics(ranking(7, 1, 8, 2, 9), relevant(1, 2, 3), ks=[5]).row(0, named=True)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert row["ndcg_at_5"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert row["recall_at_5"] == pytest.approx(2 / 3)
    assert row["precision_at_5"] == pytest.approx(2 / 5)
    assert row["mrr_at_5"] == 1 / 2
    assert row["map_at_5"] == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_only_the_first_k_count():
    row = metrics.compute_user_metrics(ranking(7, 8, 1), relevant(1), ks=[2, 3]).row(0, named=True)
    assert (row["recall_at_2"], row["recall_at_3"]) == (0, 1)


def test_more_relevant_movies_than_places_can_still_be_perfect():
    row = metrics.compute_user_metrics(ranking(1, 2), relevant(1, 2, 3, 4), ks=[2]).row(0, named=True)
    assert (row["ndcg_at_2"], row["map_at_2"], row["recall_at_2"]) == (pytest.approx(1), 1, 0.5)


def test_a_user_without_a_ranking_scores_zero_and_stays_in():
    table = metrics.compute_user_metrics(ranking(1), pl.concat([relevant(1), relevant(1, user=2)]), ks=[5])
    assert table["user_id"].to_list() == [1, 2]
    assert table["ndcg_at_5"].to_list() == [1, 0]


def test_coverage_is_the_share_of_movies_shown_to_anybody():
    tables = pl.concat([ranking(1, 2), ranking(2, 3, user=2)])
    assert metrics.coverage(tables, 10, 1) == 0.2
    assert metrics.coverage(tables, 10, 2) == 0.3


def test_gini_is_0_where_all_are_shown_alike_and_near_1_where_one_is():
    alike = pl.concat([ranking(1, 2, 3, 4), ranking(4, 3, 2, 1, user=2)])
    assert metrics.gini(alike, 4, 4) == pytest.approx(0)
    # Two of four movies shown once each: the mean difference over all pairs, over twice the mean.
    assert metrics.gini(ranking(1, 2), 4, 2) == pytest.approx(0.5)
    assert metrics.gini(ranking(1), 1000, 1) == pytest.approx(0.999)
    assert math.isnan(metrics.gini(ranking(), 4, 2))


def test_novelty_is_the_information_of_what_few_have_rated():
    schema = {"movie_id": pl.Int32, "n_ratings": pl.Int32}
    popularity = pl.DataFrame({"movie_id": [1, 2], "n_ratings": [8, 1]}, schema=schema)
    found = metrics.novelty(ranking(1, 2, 3), popularity, 8, ks=[1, 2, 3]).row(0)
    assert found == pytest.approx((1, 0, 3 / 2, 6 / 3))  # everybody knows 1, one in eight 2, nobody 3


@given(st.permutations(range(1, 13)), st.sets(st.integers(1, 15), min_size=1))
def test_metrics_agree_with_their_definitions_in_plain_python(order, liked):
    row = metrics.compute_user_metrics(ranking(*order), relevant(*sorted(liked)), ks=[5]).row(0, named=True)
    hits = [movie in liked for movie in order[:5]]
    places = min(5, len(liked))
    gains = sum(hit / math.log2(i + 2) for i, hit in enumerate(hits))
    assert row["ndcg_at_5"] == pytest.approx(gains / sum(1 / math.log2(i + 2) for i in range(places)))
    precisions = [np.mean(hits[: i + 1]) for i in range(5) if hits[i]]
    assert row["mrr_at_5"] == (1 / (hits.index(True) + 1) if any(hits) else 0)
    assert row["map_at_5"] == pytest.approx(sum(precisions) / places)
