"""The bundle: what the graph writes and the site reads, both halves side by side.

<home>/published/<sample>/
    CURRENT            the name of the bundle that is served
    <version>/         manifest.json catalogue.parquet top100.json trending.json scores.parquet similar.parquet
                       recommender/
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl

from movierec.bundles import versioned_folders
from movierec.bundles.versioned_folders import (
    BundleError,
    as_bundle_error,
    current_version,
    find_replaced_version,
    publish_version,
    read_verified_manifest,
    set_current,
)
from movierec.catalog.catalog import Catalogue
from movierec.catalog.similar_movies import SimilarityIndex
from movierec.recommender.two_stage import Recommender
from movierec.search.browser import Browser

__all__ = [
    "Bundle",
    "BundleError",
    "LiveBundle",
    "current_version",
    "publish_bundle",
    "roll_back_bundle",
    "set_current",
]

BUNDLE_FORMAT = 6  # counts up when older code could not read what is written, or newer code what was


@dataclass(frozen=True)
class Bundle:
    """Everything the site needs, opened once; arrays are mapped read-only."""

    version: str
    manifest: dict[str, Any]
    catalogue: Catalogue
    browser: Browser
    recommender: Recommender
    similar: SimilarityIndex
    trending: list[int]  # movie ids, best first

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Raises BundleError that says what is wrong with the folder."""
        with as_bundle_error(folder):
            manifest = read_verified_manifest(folder, expected_format=BUNDLE_FORMAT)
            catalog = Catalogue.from_table(pl.read_parquet(folder / "catalogue.parquet"))
            return cls(
                folder.name,
                manifest,
                catalog,
                Browser.from_movies(catalog.movies),
                Recommender.load(folder / "recommender"),
                SimilarityIndex.load(folder),
                json.loads((folder / "trending.json").read_text()),
            )


def publish_bundle(
    home: Path,
    version: str,
    *,
    catalogue: pl.DataFrame,
    recommender: Recommender,
    similar: SimilarityIndex,
    scores: pl.DataFrame,
    trending: Sequence[int],
    manifest: dict[str, Any],
) -> Path:
    """Writes a bundle under `home`, opens it once to be sure, and only then points CURRENT at it.

    `scores` are `user_id, ndcg_at_10` of what is published, for the contest with the next one.
    """

    def write(folder: Path) -> None:
        catalogue.write_parquet(folder / "catalogue.parquet")
        scores.write_parquet(folder / "scores.parquet")
        top100 = catalogue.drop_nulls("popularity").head(100)
        (folder / "top100.json").write_text(top100.write_json())
        recommender.save(folder / "recommender")
        (folder / "trending.json").write_text(json.dumps(list(trending)))
        similar.save(folder)

    return publish_version(
        home, version, write=write, open_version=Bundle.open, manifest={"format": BUNDLE_FORMAT, **manifest}
    )


def roll_back_bundle(home: Path) -> str:
    """Points CURRENT at the bundle that the served one replaced; gives its version.

    Not at the next older one: that may be one from which somebody had rolled back. Raises BundleError where there
    is none.
    """
    live = current_version(home)
    before = find_replaced_version(live) if live else None
    if before is None:
        raise BundleError(f"nothing was served under {home} before the bundle that is served")
    Bundle.open(before)
    set_current(home, before.name)
    return before.name


class LiveBundle(versioned_folders.LiveVersion[Bundle]):
    """The published bundle as of now; see versions.Live."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, Bundle.open)
