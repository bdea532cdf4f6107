"""Folders of the published bundles and companions, and the provenance that their manifests record."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from movierec.bundles.versioned_folders import N_KEPT_VERSIONS
from movierec.settings import ROOT
from resources.sources.dataset import Dataset


def build_version_name(run_id: str) -> str:
    """Names a new version: the current UTC time and the first 8 characters of the run id."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{run_id[:8]}"


def build_origin(context: dg.AssetExecutionContext, dataset: Dataset) -> dict[str, Any]:
    """The entries that every manifest has: the run, the time of publication (UTC), the sample, and the data source."""
    return {
        "run_id": context.run_id,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sample": context.partition_key,
        "source": {"name": dataset.name, "description": dataset.description, "version": dataset.version},
    }


class BundleStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Folders of the site's bundles: `root` and `exports` each hold one folder per sample.

    `root` has the published versions, of which the last `keep` stay, `exports` has files for users to take away.
    """

    root: str
    exports: str
    keep: int = N_KEPT_VERSIONS

    def compute_code_version(self) -> str:
        """First 16 hex digits of a SHA-256 over all Python files of movierec, assets and resources."""
        digest = hashlib.sha256()
        for path in sorted(
            file for package in ("movierec", "assets", "resources") for file in (ROOT / package).rglob("*.py")
        ):
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
        return digest.hexdigest()[:16]


class CompanionStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Folders of the companions (clusters and content vectors for the site): `root` holds one folder per sample."""

    root: str
    keep: int = N_KEPT_VERSIONS
