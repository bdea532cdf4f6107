"""The folders and files under MOVIEREC_HOME. Graph and site find each other's files by these names."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HomeLayout:
    """Where everything is that is written. Each name stands here only; nothing is created by asking for a path."""

    home: Path

    @property
    def raw(self) -> Path:
        """Downloads, and the CSV files of the demo."""
        return self.home / "raw"

    @property
    def tmdb_answers(self) -> Path:
        """The SQLite file with TMDB's answers."""
        return self.raw / "tmdb" / "answers.sqlite"

    @property
    def store(self) -> Path:
        """Tables and models of the graph, a folder per sample."""
        return self.home / "store"

    @property
    def published(self) -> Path:
        """Bundles, a versioned folder per sample."""
        return self.home / "published"

    @property
    def companion(self) -> Path:
        """Companions of the bundles, a versioned folder per sample."""
        return self.home / "companion"

    @property
    def metadata(self) -> Path:
        """Descriptions of movies, a folder per sample."""
        return self.home / "metadata"

    @property
    def fetched_posters(self) -> Path:
        """Images that the graph has fetched."""
        return self.home / "posters" / "kept"

    @property
    def cached_images(self) -> Path:
        """Images that the site has fetched."""
        return self.home / "posters" / "cache"

    @property
    def tuning(self) -> Path:
        """The searches for hyper-parameters, an SQLite file per sample."""
        return self.home / "tuning"

    @property
    def dagster(self) -> Path:
        """Dagster's DAGSTER_HOME."""
        return self.home / "dagster"

    @property
    def mlflow(self) -> Path:
        """MLflow's database and artifacts."""
        return self.home / "mlflow"

    @property
    def exports(self) -> Path:
        """What is exported: CSV files, recommendations, SQLite databases."""
        return self.home / "exports"

    @property
    def backups(self) -> Path:
        """Archives of what people left on the site."""
        return self.home / "backups"

    @property
    def forgotten_users(self) -> Path:
        """The list of users of data sets whose rows the graph leaves out."""
        return self.home / "forgotten" / "users.csv"

    @property
    def site_database(self) -> Path:
        """The site's SQLite file; unused where MOVIEREC_DATABASE_URL names another database."""
        return self.home / "site" / "site.db"

    @property
    def site_secret(self) -> Path:
        """What signs the site's cookies; unused where MOVIEREC_SECRET is set."""
        return self.home / "site" / "secret"

    @property
    def tmdb_logo(self) -> Path:
        """TMDB's logo, if an operator has placed it."""
        return self.home / "site" / "tmdb-logo.svg"

    @property
    def metrics(self) -> Path:
        """The counts that the workers of a site share, a folder per port, emptied when the site starts."""
        return self.home / "metrics"

    def locate_bundles(self, sample: str) -> Path:
        """The versioned folder of the sample's bundles."""
        return self.published / sample

    def locate_companions(self, sample: str) -> Path:
        """The versioned folder of the sample's companions."""
        return self.companion / sample

    def locate_tables(self, sample: str) -> Path:
        """The folder of the sample's tables and models."""
        return self.store / sample

    def locate_descriptions(self, sample: str) -> Path:
        """The Parquet file with the descriptions of the sample's movies."""
        return self.metadata / sample / "descriptions.parquet"
