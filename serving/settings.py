"""The site's settings, read from environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from movierec.tmdb import images

ON_VALUES, OFF_VALUES = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


@dataclass(frozen=True)
class SiteSettings:
    """Without `database_url` the database is SQLite under `home`; without `secret` one is created there."""

    home: Path = Path("data")
    sample: str = "full"
    database_url: str = ""
    secret: str = ""
    require_account: bool = False
    tmdb_images: str = images.HOST
    poster_cache_mb: int = images.CACHE_MB

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Reads MOVIEREC_HOME, MOVIEREC_SAMPLE and so on; unset or empty ones mean the default. Raises ValueError."""
        return cls(
            Path(environment.get("MOVIEREC_HOME") or cls.home),
            environment.get("MOVIEREC_SAMPLE") or cls.sample,
            environment.get("MOVIEREC_DATABASE_URL", "").strip(),
            environment.get("MOVIEREC_SECRET", "").strip(),
            _parse_switch("MOVIEREC_REQUIRE_ACCOUNT", environment),
            environment.get("MOVIEREC_TMDB_IMAGES") or cls.tmdb_images,
            int(environment.get("MOVIEREC_POSTER_CACHE_MB") or cls.poster_cache_mb),
        )


def _parse_switch(name: str, environment: Mapping[str, str]) -> bool:
    value = environment.get(name, "").strip().lower()
    if value not in ON_VALUES + OFF_VALUES:
        raise ValueError(f"{name} is {value!r}; 1 switches it on, 0 off")
    return value in ON_VALUES
