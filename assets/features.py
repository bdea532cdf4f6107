"""Features at each cut: the ratings as interactions, and features of users and movies.

A row uses only ratings from before its cut.
"""

from collections.abc import Callable

import dagster as dg
import polars as pl

from assets.partitions import PARQUET_KINDS, sample_partitions
from movierec.data.interactions import Interactions
from movierec.data.splitting import CUTS, ratings_at_cut
from movierec.features import matrix, tables
from resources.tmdb.ranker_features import TmdbFeatures

GROUP = "features"
OWNERS = ["team:ml"]
FEATURE_TABLES = ("user_features", "movie_features")
INTERACTIONS = dg.PythonObjectDagsterType(Interactions, name="interactions")


def interactions_input(cut: str) -> dict[str, dg.AssetIn]:
    """The ratings known at a cut as the input `interactions` of an asset."""
    return {"interactions": dg.AssetIn(f"interactions_{cut}", dagster_type=INTERACTIONS)}


def count_interactions(interactions: Interactions) -> dict[str, int]:
    """The size of what a model was fitted on, as the asset's metadata shows it."""
    users, movies = interactions.user_items.shape
    return {"users": users, "movies": movies, "ratings": interactions.user_items.nnz}


def _build_interactions_asset(cut: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"interactions_{cut}",
        description=f"The ratings of {' + '.join(CUTS[cut])} as a sparse matrix of users and movies, which every fit, "
        "ranker and measurement of this cut reads.",
        partitions_def=sample_partitions,
        group_name=GROUP,
        kinds={"python", "numpy"},
        owners=OWNERS,
        io_manager_key="models",
    )
    def interactions(context: dg.AssetExecutionContext, split: pl.LazyFrame) -> Interactions:
        made = Interactions.from_ratings(ratings_at_cut(split, cut))
        context.add_output_metadata(count_interactions(made))
        return made

    return interactions


@dg.asset(partitions_def=sample_partitions, group_name=GROUP, kinds=PARQUET_KINDS, owners=OWNERS)
def movie_features(
    context: dg.AssetExecutionContext, split: pl.LazyFrame, movies: pl.LazyFrame, tmdb_features: TmdbFeatures
) -> pl.LazyFrame:
    """Features of movies, a row per cut (`as_of`) and movie.

    Rating statistics, year, age, decade, title length and genres; TMDB features if they are switched on.
    """
    movies = tmdb_features.add_features(movies, context.partition_key)
    return _concat_cuts(lambda cut: tables.compute_movie_features(ratings_at_cut(split, cut), movies))


@dg.asset(
    ins={cut: dg.AssetIn(f"interactions_{cut}", dagster_type=INTERACTIONS) for cut in CUTS},
    partitions_def=sample_partitions,
    group_name=GROUP,
    kinds=PARQUET_KINDS,
    owners=OWNERS,
)
def user_features(movie_features: pl.LazyFrame, **interactions: Interactions) -> pl.LazyFrame:
    """Features of users, a row per cut (`as_of`) and user.

    Rating statistics, activity, share and liking of each genre, and averages over the movies that they rated.
    """

    def compute_at_cut(cut: str) -> pl.LazyFrame:
        movies = movie_features.filter(as_of=cut).collect()
        return tables.compute_user_features(interactions[cut], movies).lazy()

    return _concat_cuts(compute_at_cut)


def _concat_cuts(compute_at_cut: Callable[[str], pl.LazyFrame]) -> pl.LazyFrame:
    return pl.concat([compute_at_cut(cut).with_columns(as_of=pl.lit(cut)) for cut in CUTS])


interactions = [_build_interactions_asset(cut) for cut in CUTS]


def select_features_at_cut(cut: str, users: pl.LazyFrame, movies: pl.LazyFrame) -> matrix.Features:
    """The rows of one cut from both feature tables, in the form that the ranker reads."""
    return matrix.Features.from_tables(*(table.filter(pl.col("as_of") == cut).collect() for table in (users, movies)))
