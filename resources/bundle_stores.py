"""Where bundles are published, and what they say of their origin."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from movierec.settings import ROOT
from resources.sources.dataset import Dataset


def build_version_name(run_id: str) -> str:
    """The name of what a run publishes now."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{run_id[:8]}"


def build_origin(context: dg.AssetExecutionContext, dataset: Dataset) -> dict[str, Any]:
    """What every manifest says: which run published it, when, and of which data."""
    return {
        "run_id": context.run_id,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sample": context.partition_key,
        "source": {"name": dataset.name, "description": dataset.description, "version": dataset.version},
    }


class BundleStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """`root` holds a folder per sample, and so does `exports` for what is taken away."""

    root: str
    exports: str

    def compute_code_version(self) -> str:
        """A short hash of the code that makes bundles, whether or not it is committed."""
        digest = hashlib.sha256()
        for path in sorted(
            file for package in ("movierec", "assets", "resources") for file in (ROOT / package).rglob("*.py")
        ):
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
        return digest.hexdigest()[:16]


class CompanionStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """`root` holds a folder per sample."""

    root: str
