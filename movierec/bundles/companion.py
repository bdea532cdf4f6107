"""The companion of the bundle: what the site reads beside it and what is published independently.

<home>/companion/<sample>/
    CURRENT            the name of the companion that is served
    <version>/         manifest.json clusters/ content/

New clusters can be served without training or comparing a recommender.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl

from movierec.bundles import versioned_folders
from movierec.bundles.versioned_folders import N_KEPT_VERSIONS, as_bundle_error, publish_version, read_verified_manifest
from movierec.catalog.cluster_index import ClusterIndex, save_clusters
from movierec.data.array_files import load_csr, load_mapped_array, save_csr
from movierec.features.content import ContentVectors

COMPANION_FORMAT = 1


@dataclass(frozen=True)
class Companion:
    """Clusters and content vectors of one version, opened once; arrays are mapped read-only."""

    version: str
    manifest: dict[str, Any]
    clusters: ClusterIndex
    content: ContentVectors

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens and verifies a companion. Raises BundleError that says what is wrong with the folder."""
        with as_bundle_error(folder):
            manifest = read_verified_manifest(folder, expected_format=COMPANION_FORMAT)
            movie_ids = load_mapped_array(folder / "content" / "movie_ids.npy")
            return cls(
                folder.name,
                manifest,
                ClusterIndex.load(folder / "clusters"),
                ContentVectors(movie_ids, load_csr(folder / "content")),
            )


def publish_companion(
    home: Path,
    version: str,
    *,
    clusters: pl.DataFrame,
    cluster_tags: pl.DataFrame,
    content: ContentVectors,
    movies: pl.DataFrame,
    tags: pl.DataFrame,
    stats: pl.DataFrame,
    manifest: dict[str, Any],
    kept: int = N_KEPT_VERSIONS,
) -> Path:
    """Writes a companion under `home`, opens it once as a check, and only then makes it current. Returns its folder.

    The tables are those of `save_clusters`.
    """

    def write(folder: Path) -> None:
        save_clusters(folder / "clusters", clusters, cluster_tags, movies=movies, tags=tags, stats=stats)
        save_csr(folder / "content", content.vectors)
        np.save(folder / "content" / "movie_ids.npy", content.movie_ids)

    return publish_version(
        home,
        version,
        write=write,
        open_version=Companion.open,
        manifest={"format": COMPANION_FORMAT, **manifest},
        kept=kept,
    )


class LiveCompanion(versioned_folders.LiveVersion[Companion]):
    """The current companion, always up to date; see `versioned_folders.LiveVersion`."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, Companion.open)
