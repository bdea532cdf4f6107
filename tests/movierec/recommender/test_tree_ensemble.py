import numpy as np
import pytest
from catboost import Pool

from movierec.recommender.ranker import MAX_ROWS_ON_ARRAYS, Ranker, RankerParams
from movierec.recommender.training_rows import NON_FEATURE_COLUMNS
from movierec.recommender.tree_ensemble import TreeEnsemble
from tests.movierec.recommender.test_ranker import random_rows

TWO_TREES = {
    "features_info": {"float_features": [{"flat_feature_index": i, "nan_value_treatment": "AsFalse"} for i in (0, 2)]},
    "scale_and_bias": [2, [10]],
    "oblivious_trees": [
        {
            "leaf_values": [0, 1, 2, 3],
            "leaf_weights": [4, 0, 2, 2],
            "splits": [
                {"split_type": "FloatFeature", "float_feature_index": 0, "border": 0.5},
                {"split_type": "FloatFeature", "float_feature_index": 1, "border": 5},
            ],
        },
        {
            "leaf_values": [0.25, 0.75],
            "leaf_weights": [6, 2],
            "splits": [{"split_type": "FloatFeature", "float_feature_index": 1, "border": 7}],
        },
    ],
}


def test_a_score_is_the_sum_of_the_leaves_that_the_borders_lead_to():
    rows = np.array([[0, 9, 6], [1, 9, 6], [1, 9, 8], [0.5, 9, 5], [np.nan, 9, np.nan]], np.float32)
    # Leaves of the first tree: 2, 3, 3, 0, 0; of the second 0.25 but for the third row.
    assert TreeEnsemble.from_catboost_json(TWO_TREES).score(rows).tolist() == [14.5, 16.5, 17.5, 10.5, 10.5]


@pytest.mark.parametrize(
    "other",
    [
        {"oblivious_trees": []},
        {"features_info": {"float_features": [{"flat_feature_index": 0, "nan_value_treatment": "AsTrue"}]}},
        {"oblivious_trees": [{"leaf_values": [0, 1], "splits": [{"split_type": "OneHotFeature"}]}]},
    ],
)
def test_other_trees_are_refused_rather_than_scored_wrongly(other):
    with pytest.raises(ValueError, match="only oblivious trees"):
        TreeEnsemble.from_catboost_json(TWO_TREES | other)


def test_what_a_row_adds_to_what_is_expected_is_shared_out_to_its_features():
    values = TreeEnsemble.from_catboost_json(TWO_TREES).compute_shap_values(np.array([[1, 9, 8]], np.float32))
    # The first tree is expected to give 1.25; with the first column known 0.5 * 1 + 0.5 * 3, with the third 2.5, with
    # both 3. The second is expected to give 0.375, and gives 0.75.
    first, third = 2 * ((2 - 1.25) + (3 - 2.5)) / 2, 2 * ((2.5 - 1.25) + (3 - 2)) / 2 + 2 * (0.75 - 0.375)
    assert values == pytest.approx(np.array([[first, 0, third, 10 + 2 * (1.25 + 0.375)]]))


@pytest.mark.parametrize("folds", [1, 3])
def test_a_few_rows_get_the_scores_and_shap_values_that_catboost_gives_them(folds):
    rows = random_rows(60)
    names = [name for name in rows.columns if name not in NON_FEATURE_COLUMNS]
    lot = np.random.default_rng(0)
    learnt = rows.select(names).to_numpy().astype(np.float32)
    learnt[lot.random(learnt.shape) < 0.2] = np.nan
    ranker = Ranker.fit(
        rows.with_columns(**{name: learnt[:, at] for at, name in enumerate(names)}),
        RankerParams(iterations=40, folds=folds),
    )
    asked = np.where(lot.random((500, len(names))) < 0.1, np.nan, lot.normal(size=(500, len(names))))
    asked = asked.astype(np.float32)
    assert ranker.score(asked) == pytest.approx(ranker.catboost_model.predict(asked), abs=1e-9)
    many = np.tile(asked, (MAX_ROWS_ON_ARRAYS // 500 + 1, 1))
    assert ranker.score(many)[:500] == pytest.approx(ranker.score(asked), abs=1e-9)
    told = ranker.catboost_model.get_feature_importance(Pool(asked), type="ShapValues")
    assert ranker.trees.compute_shap_values(asked) == pytest.approx(told, abs=1e-9)
