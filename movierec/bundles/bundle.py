"""The bundle: everything that the site serves, written by the asset graph.

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
    N_KEPT_VERSIONS,
    BundleError,
    as_bundle_error,
    current_version,
    find_replaced_version,
    open_other_version,
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

BUNDLE_FORMAT = 7  # counts up when older code could not read what is written, or newer code what was


@dataclass(frozen=True)
class Bundle:
    """Everything the site needs from one version, opened once; arrays are mapped read-only."""

    version: str
    manifest: dict[str, Any]
    catalogue: Catalogue
    browser: Browser
    recommender: Recommender
    similar: SimilarityIndex
    trending: list[int]  # movie ids, best first

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens and verifies a bundle. Raises BundleError that says what is wrong with the folder."""
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
    kept: int = N_KEPT_VERSIONS,
) -> Path:
    """Writes a bundle under `home`, opens it once as a check, and only then makes it current. Returns its folder.

    `scores` (`user_id, ndcg_at_10`) are kept for the comparison with the next challenger.
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
        home,
        version,
        write=write,
        open_version=Bundle.open,
        manifest={"format": BUNDLE_FORMAT, **manifest},
        kept=kept,
    )


def roll_back_bundle(home: Path) -> str:
    """Makes the bundle current that the present one replaced; returns its version.

    This need not be the next older one, which may have been rolled back before. If the manifest that would tell it
    cannot be read, it is the newest older one that opens. Raises BundleError if there is none.
    """
    live = current_version(home)
    try:
        before = find_replaced_version(live) if live else None
    except BundleError:
        found = open_other_version(home, open_version=Bundle.open)
        before = found[0] if found else None
    else:
        if before is not None:
            Bundle.open(before)
    if before is None:
        raise BundleError(f"nothing was served under {home} before the bundle that is served")
    set_current(home, before.name)
    return before.name


class LiveBundle(versioned_folders.LiveVersion[Bundle]):
    """The current bundle, always up to date; see `versioned_folders.LiveVersion`."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, Bundle.open)
