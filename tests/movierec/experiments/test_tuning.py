from dataclasses import fields

import polars as pl
import pytest

from movierec.candidates.ease import EASEParams
from movierec.candidates.model_spec import Choice, Real, Whole
from movierec.data.interactions import Interactions
from movierec.experiments import tuning
from tests import factories


@pytest.mark.parametrize("model", tuning.SEARCH_SPACES)
def test_what_is_searched_are_parameters_and_their_defaults_lie_inside(model):
    assert set(tuning.SEARCH_SPACES[model]) <= {field.name for field in fields(tuning.PARAMS_CLASSES[model])}
    for name, value in tuning.get_default_values(model).items():
        match tuning.SEARCH_SPACES[model][name]:
            case Choice(values):
                assert value in values
            case Real(low, high, _) | Whole(low, high, _):
                assert low <= value <= high


def test_goodness_is_what_the_model_finds_of_what_was_then_liked():
    board = Interactions.from_ratings(factories.make_checkerboard_ratings())
    liked = pl.DataFrame({"user_id": [4, 7], "movie_id": [4, 8]}, schema={"user_id": pl.Int32, "movie_id": pl.Int32})
    # User 4 gets movie 4 first, the one of their colour; movie 8 is of the other colour than user 7.
    assert tuning.compute_candidate_ndcg("ease", EASEParams(), board, liked) == pytest.approx(0.5, abs=0.2)
    assert tuning.compute_candidate_ndcg("ease", EASEParams(), board, liked.head(1)) == 1


def test_what_was_tuned_is_read_again_and_the_rest_has_its_defaults(tmp_path):
    tuning.TunedParams({"ease": EASEParams(regularization=77.0)}).save(tmp_path)
    loaded = tuning.TunedParams.load(tmp_path)
    assert loaded.get_params("ease") == EASEParams(regularization=77.0)
    assert loaded.get_params("ials") is None
    (tmp_path / "params.json").write_text('{"ease": {"gone": 1, "regularization": 5}, "gone": {}}')
    assert tuning.TunedParams.load(tmp_path).get_params("ease") == EASEParams(regularization=5)
