"""Catalogue and similar movies: what the site lists, and what stands beside a movie."""

import dagster as dg
import polars as pl

from assets.features import interactions_input
from assets.partitions import PARQUET_KINDS, sample_partitions
from movierec.candidates.ials import IALS
from movierec.candidates.popularity import Popularity
from movierec.catalog import catalog
from movierec.catalog import similar_movies as similarity
from movierec.data.interactions import Interactions
from resources.io_managers import render_markdown_table

OWNERS = ["team:web"]


@dg.asset(partitions_def=sample_partitions, group_name="published", kinds=PARQUET_KINDS, owners=OWNERS)
def catalogue(movies: pl.LazyFrame, links: pl.LazyFrame, tags: pl.LazyFrame, popularity: Popularity) -> pl.LazyFrame:
    """Every movie as the site lists it, most popular first.

    Columns: movie_id, title, year, genres, popularity, mean_rating, n_ratings, imdb_id, tmdb_id, tags (the ten that
    most people gave). popularity is null for movies with too few ratings.
    """
    return catalog.build_catalogue(movies, links, popularity.compute_movie_stats().lazy(), tags)


class SimilarConfig(dg.Config):
    """Neighbours per movie, and the number of ratings from which a movie is compared by taste."""

    n: int = 40
    min_ratings: int = 5


@dg.asset(
    ins=interactions_input("all"),
    partitions_def=sample_partitions,
    group_name="published",
    kinds=PARQUET_KINDS,
    owners=OWNERS,
)
def similar_movies(
    context: dg.AssetExecutionContext,
    config: SimilarConfig,
    ials: IALS,
    popularity: Popularity,
    interactions: Interactions,
    movies: pl.DataFrame,
) -> pl.DataFrame:
    """The most similar movies of each movie: `movie_id, model, similar_ids, similarity_scores`, most similar first.

    `model` is the method: taste, genres and series together, or genres alone for movies with too few ratings.
    """
    stats = popularity.compute_movie_stats()
    by_taste = similarity.find_similar_by_taste(
        interactions, ials.item_factors, movies, n=config.n, min_ratings=config.min_ratings
    )
    others = movies.join(by_taste, on="movie_id", how="anti")["movie_id"].to_numpy()
    table = pl.concat([by_taste, similarity.find_similar_by_genres(movies, others, stats, n=config.n)]).sort("movie_id")
    titles = dict(movies.select("movie_id", "display_title").iter_rows())
    known = table.join(stats.head(8), on="movie_id").select(
        movie=pl.col("movie_id").replace_strict(titles, return_dtype=pl.String),
        similar=pl.col("similar_ids")
        .list.head(5)
        .list.eval(pl.element().replace_strict(titles, return_dtype=pl.String)),
    )
    context.add_output_metadata(
        dict(table.group_by("model").len().iter_rows())
        | {"examples": render_markdown_table(known.with_columns(pl.col("similar").list.join(" · ")))}
    )
    return table
