import numpy as np
import pytest
import scipy.sparse as sp

from movierec.candidates.ease import EASE
from movierec.candidates.ials import IALS
from movierec.candidates.item_knn import ItemKNN
from movierec.data.interactions import UNKNOWN, Interactions
from movierec.recommender.retrieval import Retrieval, fuse_channels, list_signal_names
from tests import factories

NOTHING_SEEN = sp.csr_array((1, 4), dtype=np.float32)
EVEN = {"a": 1.0, "b": 1.0}  # weights of two channels


def dense(*values):
    return np.array([values], dtype=np.float32)


def people(retrieval, *rows):
    return retrieval.interactions.select_users(np.array(rows))


@pytest.fixture(scope="module")
def retrieval():
    board = Interactions.from_ratings(factories.make_checkerboard_ratings())
    return Retrieval({"ease": EASE.fit(board), "ials": IALS.fit(board), "item_knn": ItemKNN.fit(board)}, board)


def test_ranks_of_the_channels_are_merged_by_their_reciprocals():
    scores = {"a": dense(4, 3, 2, 1), "b": dense(1, 4, 3, 2)}
    found = fuse_channels(scores, EVEN, NOTHING_SEEN, n=3, depth=2)
    # a proposes 0, 1; b proposes 1, 2.
    assert found.columns.tolist() == [[1, 0, 2]]
    assert found.scores[0].tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_a_channel_may_weigh_more_than_another():
    scores = {"a": dense(1, 3, 2, 0), "b": dense(4, 1, 0, 3)}
    found = fuse_channels(scores, {"a": 1.5, "b": 1.0}, NOTHING_SEEN, n=4, depth=2)
    assert found.columns.tolist() == [[1, 2, 0, 3]]
    assert found.scores[0].tolist() == pytest.approx([1.5 / 61, 1.5 / 62, 1 / 61, 1 / 62])


def test_a_rank_is_missing_where_a_channel_did_not_propose_the_movie():
    found = fuse_channels({"a": dense(4, 3, 2, 1), "b": dense(1, 4, 3, 2)}, EVEN, NOTHING_SEEN, n=3, depth=2)
    assert np.array_equal(found.signals["a_rank"], [[2, 1, np.nan]], equal_nan=True)
    assert np.array_equal(found.signals["b_rank"], [[1, np.nan, 2]], equal_nan=True)
    assert found.signals["a_score"].tolist() == [[3, 4, 2]]
    assert found.signals["a_z"][0].tolist() == pytest.approx([0, 1.5**0.5, -(1.5**0.5)])


def test_a_channel_without_an_opinion_says_nothing():
    found = fuse_channels(
        {"a": dense(4, 3, 2, 1), "b": dense(-np.inf, 4, -np.inf, 2)}, EVEN, NOTHING_SEEN, n=4, depth=4
    )
    assert found.columns[0].tolist() == [1, 3, 0, 2]
    assert np.isnan(found.signals["b_score"][0]).tolist() == [False, False, True, True]
    assert np.isnan(found.signals["b_z"][0]).tolist() == [False, False, True, True]


def test_signals_that_are_no_channels_propose_nothing():
    found = fuse_channels(
        {"a": dense(4, 3, 2, 1), "a_last5": dense(1, 2, 3, 4)}, {"a": 1.0}, NOTHING_SEEN, n=2, depth=2
    )
    assert found.columns.tolist() == [[0, 1]]
    assert found.signals["a_last5_score"].tolist() == [[1, 2]]


def test_what_is_seen_is_not_proposed_and_places_without_a_movie_are_unknown():
    seen = sp.csr_array(dense(0, 1, 1, 0))
    found = fuse_channels({"a": dense(4, 3, 2, 1)}, {"a": 1.0}, seen, n=4, depth=4)
    assert found.columns.tolist() == [[0, 3, UNKNOWN, UNKNOWN]]


def test_what_is_left_out_for_everybody_makes_room_for_others():
    left_out = np.array([1])
    found = fuse_channels({"a": dense(4, 3, 2, 1)}, {"a": 1.0}, NOTHING_SEEN, n=2, depth=2, without=left_out)
    assert found.columns.tolist() == [[0, 2]]


def test_a_channel_alone_proposes_in_its_own_order(retrieval):
    alone = Retrieval({"ials": retrieval.models["ials"]}, retrieval.interactions)
    found = alone.propose(people(alone, 3), n=5)
    assert (np.diff(found.signals["ials_score"][0]) <= 0).all()
    assert found.signals["ials_rank"].tolist() == [[1, 2, 3, 4, 5]]


def test_every_signal_has_a_name_and_every_name_a_signal(retrieval):
    found = retrieval.propose(people(retrieval, 0, 1), n=5)
    assert tuple(found.signals) == list_signal_names(retrieval.channels)
    assert "ease_last20_z" in found.signals


def test_one_user_alone_is_proposed_the_same_as_among_others():
    random = np.random.default_rng(6)
    pairs = [(user, int(movie)) for user in range(1, 31) for movie in random.choice(60, 15, replace=False)]
    interactions = Interactions.from_ratings(
        factories.make_ratings(*[(u, m, random.integers(1, 11) / 2) for u, m in pairs])
    )
    retrieval = Retrieval({"ease": EASE.fit(interactions), "ials": IALS.fit(interactions)}, interactions)
    together = retrieval.propose(people(retrieval, *range(10)), n=8)
    for row in range(10):
        alone = retrieval.propose(people(retrieval, row), n=8)
        assert alone.columns[0].tolist() == together.columns[row].tolist()
        for name, values in alone.signals.items():
            assert values[0] == pytest.approx(together.signals[name][row], abs=1e-4, nan_ok=True), name


def test_a_channel_of_other_movies_than_the_interactions_is_refused(retrieval):
    other = IALS.fit(Interactions.from_ratings(factories.make_checkerboard_ratings(20, 30)))
    with pytest.raises(
        ValueError, match=r"IALS was fitted on other movies \(30\) than those of the interactions \(40\)"
    ):
        Retrieval({"ease": retrieval.models["ease"], "ials": other}, retrieval.interactions)


def test_what_was_saved_proposes_the_same_and_keeps_the_ratings_once(retrieval, tmp_path):
    retrieval.save(tmp_path)
    loaded = Retrieval.load(tmp_path)
    found, wanted = (each.propose(people(each, *range(5)), n=8) for each in (loaded, retrieval))
    assert (found.columns == wanted.columns).all()
    assert [path.parent.name for path in tmp_path.rglob("user_ids.npy")] == ["interactions"]
