from dataclasses import fields

import pytest

from movierec.candidates.ease import EASEParams
from movierec.candidates.model_spec import Choice, Real, Whole
from movierec.experiments import tuning


@pytest.mark.parametrize("model", tuning.SEARCH_SPACES)
def test_what_is_searched_are_parameters_and_their_defaults_lie_inside(model):
    assert set(tuning.SEARCH_SPACES[model]) <= {field.name for field in fields(tuning.PARAMS_CLASSES[model])}
    for name, value in tuning.get_default_values(model).items():
        match tuning.SEARCH_SPACES[model][name]:
            case Choice(values):
                assert value in values
            case Real(low, high, _) | Whole(low, high, _):
                assert low <= value <= high


def test_what_was_tuned_is_read_again_and_the_rest_has_its_defaults(tmp_path):
    tuning.TunedParams({"ease": EASEParams(regularization=77.0)}).save(tmp_path)
    loaded = tuning.TunedParams.load(tmp_path)
    assert loaded.get_params("ease") == EASEParams(regularization=77.0)
    assert loaded.get_params("ials") is None
    (tmp_path / "params.json").write_text('{"ease": {"gone": 1, "regularization": 5}, "gone": {}}')
    assert tuning.TunedParams.load(tmp_path).get_params("ease") == EASEParams(regularization=5)
