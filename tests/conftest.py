"""What holds for every test."""

from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(autouse=True, scope="session")
def _no_key_of_the_developer() -> Iterator[None]:
    """No test asks the real TMDB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TMDB_API_KEY", raising=False)
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    programs = postgres.binaries()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed")
    with postgres.server(programs) as url:
        yield url
