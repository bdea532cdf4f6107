"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest

from movierec.settings import Settings, name_variable
from tests import postgres


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of the graph come first: a process without tests takes the last ones of another, and if those were
    half of the graph's tests, both would run the whole graph for them."""
    items.sort(key=lambda item: item.path.name != "test_graph.py")


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_the_developer() -> Iterator[None]:
    """Tests begin with the defaults of all settings; none asks the real TMDB."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in map(name_variable, Settings.model_fields):
            patch.delenv(variable, raising=False)
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    programs = postgres.find_binaries()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed")
    with postgres.run_server(programs) as url:
        yield url
