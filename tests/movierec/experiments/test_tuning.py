from dataclasses import fields

import polars as pl
import pytest

from movierec.candidates.ease import EASEParams
from movierec.candidates.model_spec import Choice, Real, Whole
from movierec.data.interactions import Interactions
from movierec.experiments import tuning
from tests import factories


@pytest.mark.parametrize("model", tuning.SPACES)
def test_what_is_searched_are_parameters_and_their_defaults_lie_inside(model):
    assert set(tuning.SPACES[model]) <= {field.name for field in fields(tuning.PARAMS[model])}
    for name, value in tuning.defaults(model).items():
        match tuning.SPACES[model][name]:
            case Choice(values):
                assert value in values
            case Real(low, high, _) | Whole(low, high, _):
                assert low <= value <= high


def test_goodness_is_what_the_model_finds_of_what_was_then_liked():
    board = Interactions.of(factories.checkerboard())
    liked = pl.DataFrame({"user_id": [4, 7], "movie_id": [4, 8]}, schema={"user_id": pl.Int32, "movie_id": pl.Int32})
    # User 4 gets movie 4 first, the one of their colour; movie 8 is of the other colour than user 7.
    assert tuning.goodness("ease", EASEParams(), board, liked) == pytest.approx(0.5, abs=0.2)
    assert tuning.goodness("ease", EASEParams(), board, liked.head(1)) == 1


def test_what_was_tuned_is_read_again_and_the_rest_has_its_defaults(tmp_path):
    tuning.Tuned({"ease": EASEParams(regularization=77.0)}).save(tmp_path)
    loaded = tuning.Tuned.load(tmp_path)
    assert loaded.of("ease") == EASEParams(regularization=77.0)
    assert loaded.of("ials") is None
    (tmp_path / "params.json").write_text('{"ease": {"gone": 1, "regularization": 5}, "gone": {}}')
    assert tuning.Tuned.load(tmp_path).of("ease") == EASEParams(regularization=5)
