import dagster as dg

from assets.ranking import choose_ranker_params
from assets.tuning import TuningConfig, tuned
from movierec.candidates import als, ials
from movierec.data.splitting import split_by_user
from movierec.experiments.tuning import TunedParams
from movierec.recommender.ranker import REFERENCE_PARAMS, RankerParams
from resources.optuna_studies import OptunaStudies
from resources.sources.dataset import Dataset
from tests import factories


def found(tmp_path, **config):
    studies = OptunaStudies(folder=str(tmp_path))
    ratings = factories.make_checkerboard_ratings()
    dataset = Dataset("made", tmp_path, "1", "made")
    with dg.build_asset_context(partition_key="full") as context:
        return tuned(
            context,
            TuningConfig(**config),
            dataset,
            factories.make_movies(40),
            ratings,
            split_by_user(ratings),
            studies,
        )


def test_the_seed_designs_hyper_parameters_can_be_chosen(tmp_path):
    chosen = found(tmp_path, reference=True)
    assert (chosen.get_params("ials"), chosen.get_params("ranker")) == (ials.REFERENCE_PARAMS, REFERENCE_PARAMS)
    assert chosen.get_params("als") == als.REFERENCE_PARAMS
    assert (REFERENCE_PARAMS.loss_function, REFERENCE_PARAMS.iterations, REFERENCE_PARAMS.learning_rate) == (
        "YetiRank",
        500,
        0.05,
    )
    assert (REFERENCE_PARAMS.depth, REFERENCE_PARAMS.early_stopping_rounds) == (6, 50)


def test_the_ranker_is_searched_too_and_its_best_is_what_rankers_are_fitted_with(tmp_path):
    assert found(tmp_path, models=["ranker"]).get_params("ranker") is None
    best = found(tmp_path, models=["ranker"], trials=2).get_params("ranker")
    assert choose_ranker_params("two_stage", TunedParams({"ranker": best})) == best
    assert choose_ranker_params("two_stage_als", TunedParams({"ranker": best})).one_fold_from == 0
    assert choose_ranker_params("two_stage", TunedParams({})) == RankerParams()
