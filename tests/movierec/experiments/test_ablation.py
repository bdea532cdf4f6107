from dataclasses import replace

import polars as pl
import pytest

from movierec.experiments import ablation
from movierec.experiments.ablation import Variant, build_variants, list_feature_groups
from movierec.experiments.rejected_features import build_extra_negatives
from movierec.experiments.validation import Validation
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from movierec.recommender.training_rows import list_ranker_features
from tests import factories

# On the checkerboard nobody rates low, nobody has more than 30 candidates, and these are all movies there are.
SAME_HERE = (
    "gain: 0 for movies rated below the relevance threshold",
    "negatives: the first 30 candidates",
    "negatives: only candidates rated low, if there are any",
    "negatives: 30 more at random from the whole catalogue",
    "negatives: also movies rated low that are not candidates",
)
MOVIES, TAGS = factories.make_movies(40), factories.make_tags()


@pytest.fixture(scope="module")
def validation():
    return Validation.from_ratings(factories.make_checkerboard_ratings(), MOVIES)


def test_every_feature_of_the_ranker_is_left_out_by_some_group():
    features = set(list_ranker_features(RECOMMENDER_CHANNELS["two_stage"]))
    assert {name for name in features if any(belongs(name) for belongs in list_feature_groups().values())} == features


def test_a_variant_keeps_what_was_liked_and_changes_one_thing(validation):
    for name, variant in build_variants(validation, MOVIES, TAGS).items():
        assert variant.rows["relevant"].sum() == validation.rows["relevant"].sum(), name
        assert variant.rows.shape != validation.rows.shape or name in SAME_HERE, name
        new = set(variant.rows.columns) - set(validation.rows.columns)
        assert len(new) == (0 if variant.extra_features is None else variant.extra_features.shape[1]), name


def test_what_was_rated_lower_can_count_as_nothing(validation):
    low = validation.rows.with_columns(gain=pl.when("relevant").then(1.0).otherwise(0.3).cast(pl.Float32))
    changed = build_variants(replace(validation, rows=low), MOVIES, TAGS)[
        "gain: 0 for movies rated below the relevance threshold"
    ]
    assert changed.rows["gain"].equals(low["relevant"].cast(pl.Float32).alias("gain"))


def test_the_whole_comes_first_and_then_what_each_change_makes_of_it(monkeypatch, validation):
    monkeypatch.setattr(ablation, "build_variants", lambda *_: {"nothing": Variant(validation.rows)})
    told = []
    found = ablation.run_ablation(validation, MOVIES, TAGS, seeds=[1], report_progress=told.append)
    assert (list(found), told) == (["", "nothing"], ["nothing"])
    assert 0 < found[""].value <= 1
    assert found["nothing"].value == 0
    assert found[""].n == validation.relevant.select(pl.col("user_id").n_unique()).item()


def test_rated_low_beyond_the_candidates_are_movies_that_the_history_knows(validation):
    last = int(validation.history_cut.retrieval.interactions.movie_ids[-1])
    user = validation.rows.filter(movie_id=last)["user_id"][0]
    pairs = {"user_id": [user, user], "movie_id": [last, 9999]}
    disliked = pl.DataFrame(pairs, schema=validation.disliked.schema)
    few = replace(validation, rows=validation.rows.filter(pl.col("movie_id") != last), disliked=disliked)
    assert build_extra_negatives(few)["low"].select("user_id", "movie_id").rows() == [(user, last)]
    unknown = replace(few, disliked=disliked.tail(1))
    assert build_extra_negatives(unknown)["low"].is_empty()
