"""Raw: the source's CSV files after checks, with our column names, limited to the users of the sample."""

import dagster as dg
import polars as pl

from assets.partitions import sample_partitions
from movierec.data.cleaning import drop_users
from resources.sources.csv_tables import read_table
from resources.sources.dataset import Dataset
from resources.sources.resource import MovieLens

OWNERS = ["team:data"]


@dg.asset(partitions_def=sample_partitions, group_name="raw", kinds={"csv"}, owners=OWNERS, io_manager_key="models")
def dataset(context: dg.AssetExecutionContext, movielens: MovieLens) -> Dataset:
    """The folder of MovieLens CSV files that MOVIEREC_SOURCE names, with name, version and description.

    Downloads and verifies an archive if necessary.
    """
    found = movielens.acquire_dataset()
    context.add_output_metadata(
        {"source": found.name, "description": found.description, "data_version": found.version}
        | {"folder": dg.MetadataValue.path(found.folder)}
    )
    return found


def _build_raw_asset(table: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"raw_{table}",
        description=description,
        partitions_def=sample_partitions,
        group_name="raw",
        kinds={"csv", "parquet"},
        owners=OWNERS,
    )
    def raw_table(context: dg.AssetExecutionContext, dataset: Dataset) -> pl.LazyFrame:
        found = read_table(dataset.folder, table, context.partition_key)
        context.add_output_metadata(found.counts | {"forgotten_users": len(dataset.forgotten_users)})
        return drop_users(found.frame, dataset.forgotten_users)

    return raw_table


raw_tables = [
    _build_raw_asset("ratings", "ratings.csv: `user_id, movie_id, rating, rated_at` of the sample's users."),
    _build_raw_asset("movies", "movies.csv: `movie_id, title, genres`, as MovieLens writes them."),
    _build_raw_asset("tags", "tags.csv: `user_id, movie_id, tag, tagged_at` of the sample's users; may be empty."),
    _build_raw_asset("links", "links.csv: `movie_id, imdb_id, tmdb_id`; may be empty."),
]
