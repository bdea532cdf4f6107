import pytest

from movierec.candidates.model_spec import Choice, Real, Whole
from resources.optuna_studies import OptunaStudies

SPACE = {"x": Real(-1, 1), "n": Whole(1, 4), "kind": Choice((0.0, 0.5))}
FIRST = {"x": 0.25, "n": 2, "kind": 0.5}


def goodness(drawn):
    return -((drawn["x"] - 0.25) ** 2) - abs(drawn["n"] - 2) + drawn["kind"]


@pytest.fixture
def studies(tmp_path):
    return OptunaStudies(folder=str(tmp_path / "tuning"))


def test_without_a_trial_there_is_no_best(studies):
    assert studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=0) is None


def test_the_first_trial_is_of_the_defaults_and_a_search_goes_on_where_it_stopped(studies):
    first = studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=1)
    assert (first.drawn_params, first.n_trials) == (FIRST, 1)
    later = studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=3)
    assert later.n_trials == 4
    assert later.value == 0.5  # nothing is better than where it began
    assert studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=0) == later


def test_no_run_draws_again_what_an_earlier_one_drew(studies):
    drawn = []

    def noted(values):
        drawn.append(tuple(values.values()))
        return goodness(values)

    for _ in range(3):
        studies.run_study("full", "a", SPACE, noted, first_params=FIRST, n_trials=3)
    assert len(set(drawn)) == 9


@pytest.mark.parametrize("changed", [{"kind": Choice((0.5, 1.0))}, {"n": Whole(3, 9)}, {"other": Real(0, 1)}])
def test_a_changed_space_is_searched_anew(studies, changed):
    studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=2)
    first = FIRST | {"n": 4} | ({"other": 0.5} if "other" in changed else {})
    space = SPACE | changed
    assert studies.run_study("full", "a", space, goodness, first_params=first, n_trials=0) is None
    found = studies.run_study("full", "a", space, goodness, first_params=first, n_trials=3)
    assert (found.n_trials, found.drawn_params.keys()) == (3, space.keys())
    assert studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=0).n_trials == 2


def test_samples_and_studies_are_apart(studies):
    studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=1)
    assert studies.run_study("full", "b", SPACE, goodness, first_params=FIRST, n_trials=0) is None
    assert studies.run_study("1pct", "a", SPACE, goodness, first_params=FIRST, n_trials=0) is None


def test_a_killed_trial_is_not_counted(studies):
    def killed(_drawn):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studies.run_study("full", "a", SPACE, killed, first_params=FIRST, n_trials=1)
    found = studies.run_study("full", "a", SPACE, goodness, first_params=FIRST, n_trials=1)
    assert found.n_trials == 1
