"""Movie metadata and posters from TMDB, for display only; `published` does not depend on them.

These assets do not fail because of TMDB: they report what is missing and leave earlier results in place.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl

from assets.partitions import PARQUET_KINDS, sample_partitions
from movierec.tmdb import images
from movierec.tmdb.metadata import Metadata
from resources.tmdb.answer_cache import open_answer_cache
from resources.tmdb.client import KEY_VARIABLE, TmdbResource
from resources.tmdb.crawler import CrawlOutcome, MovieRequest, crawl_movies, iter_details
from resources.tmdb.posters import PosterFetcher, delete_old_posters

OWNERS = ["team:web"]
LOW_PRIORITY_TAGS = {"dagster/priority": "-10"}  # a run publishes first and asks TMDB then


class TmdbConfig(dg.Config):
    """How many movies a run fetches from TMDB, most rated first. The next run continues with the rest."""

    new_movies: int = 5_000


@dg.asset(
    io_manager_key="models",
    output_required=False,
    op_tags=LOW_PRIORITY_TAGS,
    partitions_def=sample_partitions,
    group_name="metadata",
    kinds=PARQUET_KINDS,
    owners=OWNERS,
)
def tmdb_metadata(
    context: dg.AssetExecutionContext, config: TmdbConfig, tmdb: TmdbResource, catalogue: pl.DataFrame
) -> Iterator[dg.Output[Metadata] | dg.AssetObservation]:
    """TMDB's movies, persons, cast, crew, genres and companies, as a folder of tables (star schema).

    Skipped without a TMDB_API_KEY, and if nothing was found.
    """
    key = tmdb.read_key()
    if key is None:
        yield report_skipped(
            context, f"{KEY_VARIABLE} is not set: no descriptions and no posters of TMDB; the drawn ones stay"
        )
        return
    wanted = [
        MovieRequest(*row)
        for row in catalogue.sort("n_ratings", descending=True, maintain_order=True)
        .select("movie_id", "title", "year", "tmdb_id")
        .iter_rows()
    ]
    with open_answer_cache(Path(tmdb.answers)) as answers:
        started = time.monotonic()

        async def ask() -> tuple[CrawlOutcome, dict[str, int]]:
            async with tmdb.open_client(key) as client:
                outcome = await crawl_movies(client, answers, wanted, limit=config.new_movies, get_now=get_utc_now)
            return outcome, client.get_counts()

        outcome, counts = asyncio.run(ask())
        seconds = time.monotonic() - started
        metadata = Metadata.from_details(iter_details(answers, wanted))
    told = {name: value for name, value in asdict(outcome).items() if value is not None} | counts
    context.log.info(
        f"{outcome.fetched} movies fetched from TMDB, {outcome.not_found} not there, {outcome.failed} failed, "
        f"{outcome.kept} kept, {outcome.left} left for another run"
    )
    if outcome.stopped:
        context.log.warning(f"stopped asking TMDB: {outcome.stopped}")
    if metadata.movies.is_empty():
        yield report_skipped(
            context, f"nothing of TMDB: {outcome.stopped or outcome.first_failure or 'no movie was found'}"
        )
        return
    sizes = {f"{name}_rows": len(table) for name, table in vars(metadata).items()}
    yield dg.Output(metadata, metadata=told | sizes | {"seconds": round(seconds, 1)})


@dg.asset(
    io_manager_key="metadata",
    op_tags=LOW_PRIORITY_TAGS,
    partitions_def=sample_partitions,
    group_name="metadata",
    kinds=PARQUET_KINDS,
    owners=OWNERS,
)
def descriptions(tmdb_metadata: Metadata) -> pl.DataFrame:
    """What a movie's page shows, a row per movie, made from `tmdb_metadata`.

    Columns: movie_id, overview, tagline, runtime, original_title, original_language, directors, cast, poster_path,
    backdrop_path.
    """
    return tmdb_metadata.build_descriptions()


class PostersConfig(dg.Config):
    """How many posters are downloaded in advance, most rated movies first; the site downloads others on demand."""

    n: int = 500


@dg.asset(
    op_tags=LOW_PRIORITY_TAGS,
    partitions_def=sample_partitions,
    group_name="metadata",
    kinds={"jpeg", "parquet"},
    owners=OWNERS,
)
def posters(
    context: dg.AssetExecutionContext,
    config: PostersConfig,
    tmdb: TmdbResource,
    descriptions: pl.DataFrame,
    catalogue: pl.DataFrame,
) -> pl.DataFrame:
    """Posters of the most rated movies, downloaded in advance: `movie_id, poster_path, file, bytes`.

    Only posters whose file exists have a row.
    """
    folder = Path(tmdb.images)
    wanted = (
        catalogue.sort("n_ratings", descending=True, maintain_order=True)
        .select("movie_id")
        .join(descriptions.select("movie_id", "poster_path").drop_nulls(), on="movie_id", maintain_order="left")
        .head(config.n)
    )
    fetch = PosterFetcher(tmdb.image_host, folder)
    asyncio.run(fetch.fetch_posters(wanted["poster_path"]))
    context.add_output_metadata({**fetch.counts, "forgotten": delete_old_posters(folder)})
    if fetch.first_failure:
        context.log.warning(f"{fetch.counts['failed']} posters could not be fetched, the first: {fetch.first_failure}")
    if fetch.first_unreadable:
        context.log.warning(
            f"{fetch.counts['only_large']} posters have no small one, the first: {fetch.first_unreadable}"
        )
    named = wanted.with_columns(
        file=pl.col("poster_path").map_elements(
            lambda path: images.build_image_file_name("poster", path), return_dtype=pl.String
        )
    )
    sizes = {file.name: file.stat().st_size for file in folder.glob("*") if file.is_file()}
    return named.with_columns(
        bytes=pl.col("file").replace_strict(sizes, default=None, return_dtype=pl.Int64)
    ).drop_nulls()


def report_skipped(context: dg.AssetExecutionContext, reason: str) -> dg.AssetObservation:
    """Writes the reason to the log and to the asset's page."""
    context.log.warning(f"skipped: {reason}")
    return dg.AssetObservation(
        asset_key=context.asset_key, partition=context.partition_key, metadata={"skipped": reason}
    )


def get_utc_now() -> datetime:
    """The current UTC time without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)
