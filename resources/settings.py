"""What the environment says: where to write, which data, which ports."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from movierec.data.sampling import SAMPLES
from movierec.tmdb import images

ROOT = Path(__file__).parents[1]


class SettingsError(ValueError):
    """A variable of the environment has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """`home` is the root of everything written; every folder below has its name here and nowhere else."""

    home: Path = ROOT / "data"
    source: str = "demo"
    sample: str = "full"
    web_port: int = 8000
    dagster_port: int = 3000
    mlflow_port: int = 5000
    retrain_cron: str = "0 3 * * *"
    timezone: str = "UTC"
    tmdb_api: str = "https://api.themoviedb.org/3"
    tmdb_images: str = images.HOST
    poster_cache_mb: int = images.CACHE_MB
    reference: bool = False
    tmdb_features: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """From MOVIEREC_HOME, MOVIEREC_SOURCE and so on; an unset or empty variable means the default."""
        given = {
            field: environment[f"MOVIEREC_{field.upper()}"]
            for field in cls.__dataclass_fields__
            if environment.get(f"MOVIEREC_{field.upper()}")
        }
        if given.get("sample", "full") not in SAMPLES:
            raise SettingsError(f"MOVIEREC_SAMPLE (make's SAMPLE) is {given['sample']!r}; choose {', '.join(SAMPLES)}")
        numbers = {field: _port(field, value) for field, value in given.items() if field.endswith("_port")}
        if "poster_cache_mb" in given:
            numbers["poster_cache_mb"] = _megabytes(given["poster_cache_mb"])
        numbers |= {field: _yes(field, given[field]) for field in ("reference", "tmdb_features") if field in given}
        home = {"home": Path(given["home"]).absolute()} if "home" in given else {}
        return cls(**given | numbers | home)  # type: ignore[arg-type]  # the texts left are the text fields

    @property
    def raw(self) -> Path:
        return self.home / "raw"

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def metadata(self) -> Path:
        return self.home / "metadata"

    @property
    def posters(self) -> Path:
        return self.home / "posters" / "kept"

    def published(self, sample: str) -> Path:
        return self.home / "published" / sample

    def companion(self, sample: str) -> Path:
        return self.home / "companion" / sample

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def mlflow(self) -> Path:
        return self.home / "mlflow"

    @property
    def exports(self) -> Path:
        return self.home / "exports"


def called(parser: ArgumentParser, arguments: Sequence[str] | None) -> tuple[Settings, Namespace]:
    """What a command over a sample is given. A wrong setting ends it with exit code 2, as a wrong argument does."""
    parser.add_argument("--sample", choices=SAMPLES, default="full")
    given = parser.parse_args(arguments)
    try:
        return Settings.from_environment(), given
    except SettingsError as error:
        parser.exit(2, f"{error}\n")


def _megabytes(value: str) -> int:
    if not value.isdecimal():
        raise SettingsError(f"MOVIEREC_POSTER_CACHE_MB is {value!r}; a whole number of megabytes is wanted")
    return int(value)


def _yes(field: str, value: str) -> bool:
    if value not in ("0", "1"):
        raise SettingsError(f"MOVIEREC_{field.upper()} is {value!r}; 1 is yes, 0 is no")
    return value == "1"


def _port(field: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        raise SettingsError(f"MOVIEREC_{field.upper()} is {value!r}; a port is a number from 1 to 65535")
    return int(value)
