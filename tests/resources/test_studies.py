import pytest

from movierec.tuning import Choice, Real, Whole
from resources.studies import Studies

SPACE = {"x": Real(-1, 1), "n": Whole(1, 4), "kind": Choice((0.0, 0.5))}
FIRST = {"x": 0.25, "n": 2, "kind": 0.5}


def goodness(drawn):
    return -((drawn["x"] - 0.25) ** 2) - abs(drawn["n"] - 2) + drawn["kind"]


@pytest.fixture
def studies(tmp_path):
    return Studies(folder=str(tmp_path / "tuning"))


def test_without_a_trial_there_is_no_best(studies):
    assert studies.search("full", "a", SPACE, goodness, first=FIRST, trials=0) is None


def test_the_first_trial_is_of_the_defaults_and_a_search_goes_on_where_it_stopped(studies):
    first = studies.search("full", "a", SPACE, goodness, first=FIRST, trials=1)
    assert (first.drawn, first.trials) == (FIRST, 1)
    later = studies.search("full", "a", SPACE, goodness, first=FIRST, trials=3)
    assert later.trials == 4
    assert later.value == 0.5  # nothing is better than where it began
    assert studies.search("full", "a", SPACE, goodness, first=FIRST, trials=0) == later


def test_samples_and_studies_are_apart(studies):
    studies.search("full", "a", SPACE, goodness, first=FIRST, trials=1)
    assert studies.search("full", "b", SPACE, goodness, first=FIRST, trials=0) is None
    assert studies.search("1pct", "a", SPACE, goodness, first=FIRST, trials=0) is None


def test_a_killed_trial_is_not_counted(studies):
    def killed(_drawn):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studies.search("full", "a", SPACE, killed, first=FIRST, trials=1)
    found = studies.search("full", "a", SPACE, goodness, first=FIRST, trials=1)
    assert found.trials == 1
