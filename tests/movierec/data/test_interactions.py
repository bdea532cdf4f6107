from datetime import datetime

import numpy as np
import polars as pl
import pytest

from movierec.data import top_k
from movierec.data.interactions import UNKNOWN, Interactions, index_of_ids
from movierec.data.top_k import top_n, top_n_unseen
from tests import factories


@pytest.fixture
def two_users():
    return Interactions.from_ratings(factories.make_ratings((9, 30, 4.0), (9, 10, 2.0), (5, 20, 5.0)))


def test_rows_and_columns_are_ids_in_ascending_order(two_users):
    assert two_users.user_ids.tolist() == [5, 9]
    assert two_users.movie_ids.tolist() == [10, 20, 30]
    assert two_users.user_items.toarray().tolist() == [[0, 5, 0], [2, 0, 4]]
    assert two_users.find_user_rows([9, 7, 5]).tolist() == [1, UNKNOWN, 0]
    assert two_users.find_movie_columns([30, 99]).tolist() == [2, UNKNOWN]
    assert two_users.get_seen_columns(1).tolist() == [0, 2]


def test_what_was_saved_is_what_is_loaded(two_users, tmp_path):
    two_users.save(tmp_path)
    loaded = Interactions.load(tmp_path)
    assert loaded.user_ids.tolist() == [5, 9]
    assert (loaded.user_items != two_users.user_items).nnz == 0


def test_the_latest_ratings_are_the_last_in_time():
    table = Interactions.from_ratings(factories.make_ratings((1, 30, 4.0), (1, 10, 2.0), (2, 10, 5.0), (1, 20, 3.0)))
    assert table.keep_latest(2).user_items.toarray().tolist() == [[2, 3, 0], [5, 0, 0]]
    assert table.select_users(np.array([1])).keep_latest(9).user_items.toarray().tolist() == [[5, 0, 0]]
    assert table.select_users(np.array([1, 0])).keep_latest(1).user_items.toarray().tolist() == [[5, 0, 0], [0, 3, 0]]
    assert table.user_items.toarray().tolist() == [[2, 3, 4], [5, 0, 0]]  # and nothing is lost


def test_ratings_can_take_the_columns_of_a_fit():
    table = factories.make_ratings((9, 30, 4.0), (9, 77, 2.0), (5, 77, 5.0), (7, 10, 3.0))
    found = Interactions.from_ratings(table, np.array([10, 20, 30], np.int32))
    assert found.user_ids.tolist() == [7, 9]  # who has rated nothing that is known is not there
    assert found.user_items.toarray().tolist() == [[3, 0, 0], [0, 0, 4]]
    assert found.recency.tolist() == [1, 1]


def test_the_day_of_a_rating_stands_beside_it():
    table = Interactions.from_ratings(factories.make_ratings((1, 30, 4.0), (1, 10, 2.0)))
    first = (factories.FIRST_RATED_AT - datetime(1970, 1, 1)).days  # noqa: DTZ001
    assert table.rated_on.tolist() == [first + 1, first]


def test_positions_in_nothing_are_unknown():
    assert index_of_ids(np.array([], dtype=np.int32), [1, 2]).tolist() == [UNKNOWN, UNKNOWN]


def test_seen_movies_are_left_out_and_missing_places_are_unknown(two_users):
    scores = np.array([[3, 2, 1], [1, 2, 3]], dtype=np.float32)
    columns, best = top_n_unseen(lambda rows: scores[rows], two_users, np.array([0, 1]), n=3)
    assert columns.tolist() == [[0, 2, UNKNOWN], [1, UNKNOWN, UNKNOWN]]
    assert best[0].tolist() == [3, 1, -np.inf]


def test_blocks_change_nothing(monkeypatch):
    table = Interactions.from_ratings(factories.make_checkerboard_ratings(20, 20))
    scores = np.random.default_rng(1).random((20, 20), dtype=np.float32)
    whole = top_n_unseen(lambda rows: scores[rows], table, np.arange(20), n=5)
    monkeypatch.setattr(top_k, "BLOCK_BYTES", 4 * 20 * 3)  # three users at a time
    pieces = top_n_unseen(lambda rows: scores[rows], table, np.arange(20), n=5)
    assert all((a == b).all() for a, b in zip(whole, pieces, strict=True))


def test_equal_scores_are_ranked_by_ascending_column():
    scores = np.array([[1, 5, 5, 5, 0, 5]], dtype=np.float32)
    columns, _ = top_n(scores, n=3)
    assert columns.tolist() == [[1, 2, 3]]


def _rows_of_every_kind(n_columns: int) -> np.ndarray:
    """Many levels, few levels, one level, almost nothing known; the best ones where a sample looks, and where not."""
    lot = np.random.default_rng(2)
    many, few = lot.normal(size=n_columns), lot.integers(0, 6, n_columns)
    one, unknown = np.zeros(n_columns), np.full(n_columns, -np.inf)
    unknown[lot.permutation(n_columns)[:3]] = 1, 2, 3
    sampled, missed = lot.random((2, n_columns))
    sampled[:: top_k.SAMPLING_STEP] += 1
    missed[1 :: top_k.SAMPLING_STEP] += 1
    return np.stack([many, few, one, unknown, sampled, missed]).astype(np.float32)


@pytest.mark.parametrize(("n_columns", "n"), [(30, 7), (30, 30), (30, 40), (5_000, 1), (5_000, 100), (5_000, 4_999)])
def test_best_columns_agree_with_a_full_sort(n_columns, n):
    scores = _rows_of_every_kind(n_columns)
    columns, values = top_n(scores, n=n)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    assert (columns == expected).all()
    assert (values == np.take_along_axis(scores, expected, axis=1)).all()


def test_users_stand_below_themselves_known_by_their_last_ratings_alone():
    people = Interactions.from_ratings(factories.make_checkerboard_ratings(6, 12)).select_users(np.array([4, 1]))
    found = people.stack_latest(2, 1)
    parts = [people, people.keep_latest(2), people.keep_latest(1)]
    assert found.user_ids.tolist() == people.user_ids.tolist() * 3
    assert (found.user_items.toarray() == np.vstack([part.user_items.toarray() for part in parts])).all()
    assert found.recency.tolist() == [recency for part in parts for recency in part.recency.tolist()]
    assert found.user_items.indptr.dtype == people.user_items.indptr.dtype


def test_a_ranking_as_a_table_counts_from_one():
    table = top_k.to_ranking_table(
        np.array([7], np.int32), np.array([10, 20], np.int32), np.array([[1, UNKNOWN]]), np.array([[0.5, -np.inf]])
    )
    assert table.to_dicts() == [{"user_id": 7, "movie_id": 20, "score": 0.5, "rank": 1}]
    assert table.schema["rank"] == pl.Int32
