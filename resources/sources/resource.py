"""The Dagster resource for the source of ratings."""

from pathlib import Path

import dagster as dg

from resources.sources.dataset import Dataset
from resources.sources.forgotten_users import acquire_remaining_dataset


class MovieLens(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The source of ratings: `demo`, the name of a GroupLens data set, or a folder. `raw` keeps the downloads.

    `forgotten` is the list of users whose rows are left out.
    """

    source: str
    raw: str
    forgotten: str

    def acquire_dataset(self) -> Dataset:
        """Downloads and verifies the data set if necessary; gives the folder with its CSV files. Raises SourceError."""
        return acquire_remaining_dataset(self.source, Path(self.raw), Path(self.forgotten))
