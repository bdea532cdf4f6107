import dagster as dg

from assets.ranking import params_of
from assets.tuning import TuningConfig, tuned
from movierec.candidates import ials
from movierec.data.interactions import Interactions
from movierec.data.splitting import known_at, split_by_user
from movierec.experiments.tuning import Tuned
from movierec.recommender.ranker import REFERENCE, RankerParams
from resources.optuna_studies import Studies
from resources.sources.dataset import Dataset
from tests import factories


def found(tmp_path, **config):
    studies = Studies(folder=str(tmp_path))
    split = split_by_user(factories.checkerboard())
    history = Interactions.of(known_at(split, "history"))
    dataset = Dataset("made", tmp_path, "1", "made")
    with dg.build_asset_context(partition_key="full") as context:
        return tuned(context, TuningConfig(**config), dataset, factories.movies(40), split, history, studies)


def test_the_seed_designs_hyper_parameters_can_be_chosen(tmp_path):
    chosen = found(tmp_path, reference=True)
    assert (chosen.of("ials"), chosen.of("ranker")) == (ials.REFERENCE, REFERENCE)
    assert (REFERENCE.loss_function, REFERENCE.iterations, REFERENCE.learning_rate) == ("YetiRank", 500, 0.05)
    assert (REFERENCE.depth, REFERENCE.early_stopping_rounds) == (6, 50)


def test_the_ranker_is_searched_too_and_its_best_is_what_rankers_are_fitted_with(tmp_path):
    assert found(tmp_path, models=["ranker"]).of("ranker") is None
    best = found(tmp_path, models=["ranker"], trials=2).of("ranker")
    assert params_of("two_stage", Tuned({"ranker": best})) == best
    assert params_of("two_stage_als", Tuned({"ranker": best})).one_fold_from == 0
    assert params_of("two_stage", None) == RankerParams()
