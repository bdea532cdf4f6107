"""What holds for every test."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_key_of_the_developer() -> Iterator[None]:
    """No test asks the real TMDB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TMDB_API_KEY", raising=False)
        yield
