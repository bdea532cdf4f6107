"""Where bundles are published, and which code published them."""

import hashlib

import dagster as dg

from resources.settings import ROOT


class BundleStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """`root` holds a folder per sample, and so does `exports` for what is taken away."""

    root: str
    exports: str

    def code_version(self) -> str:
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
