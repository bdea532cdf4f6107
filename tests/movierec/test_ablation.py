import polars as pl

from movierec.ablation import Bench, _variants, ablation, groups
from movierec.ranking import ranker_features
from movierec.retrieval import RECOMMENDERS
from tests import factories

# On the checkerboard nobody rates low, and nobody has more than 30 candidates.
SAME_HERE = ("negatives: the first 30 candidates", "negatives: rated low only, where there are any")


def test_every_feature_of_the_ranker_is_left_out_by_some_group():
    features = set(ranker_features(RECOMMENDERS["two_stage"]))
    assert {name for name in features if any(belongs(name) for belongs in groups().values())} == features


def test_a_variant_keeps_what_was_liked_and_changes_one_thing():
    bench = Bench.of(factories.checkerboard(), factories.movies(40))
    liked = bench.rows["relevant"].sum()
    for name, rows in _variants(bench.rows).items():
        assert rows["relevant"].sum() == liked, name
        assert rows.height < bench.rows.height or rows.width < bench.rows.width - 1 or name in SAME_HERE, name


def test_the_whole_comes_first_and_then_what_each_change_makes_of_it(monkeypatch):
    monkeypatch.setattr("movierec.ablation._variants", lambda rows: {"nothing": rows.drop("disliked")})
    bench = Bench.of(factories.checkerboard(), factories.movies(40))
    told = []
    found = ablation(bench, seeds=[1], told=told.append)
    assert (list(found), told) == (["", "nothing"], ["nothing"])
    assert 0 < found[""].value <= 1
    assert found["nothing"].value == 0
    assert found[""].n == bench.wanted.select(pl.col("user_id").n_unique()).item()
