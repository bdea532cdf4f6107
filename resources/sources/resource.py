"""The source of ratings as the graph knows it."""

from pathlib import Path

import dagster as dg

from resources.sources.dataset import Dataset
from resources.sources.sources import acquire_dataset


class MovieLens(dg.ConfigurableResource):  # type: ignore[type-arg]
    """`source` is demo, the name of a GroupLens set, or a folder; `raw` is where downloads are kept."""

    source: str
    raw: str

    def acquire_dataset(self) -> Dataset:
        return acquire_dataset(self.source, Path(self.raw))
