"""Features at each cut: the ratings as interactions, and features of users and movies.

A row uses only ratings from before its cut.
"""

from collections.abc import Callable

import dagster as dg
import polars as pl

from assets.protocols import INTERACTIONS, PROTOCOLS, EvaluationProtocol, count_interactions
from movierec.data.interactions import Interactions
from movierec.data.splitting import CUTS, ratings_at_cut
from movierec.features import matrix, tables
from resources.tmdb.ranker_features import TmdbFeatures

FEATURE_TABLES = ("user_features", "movie_features")


def _interactions(cut: str, protocol: EvaluationProtocol) -> dg.AssetsDefinition:
    @protocol.asset(
        f"interactions_{cut}",
        group="features",
        description=f"The ratings of {' + '.join(CUTS[cut])} as a sparse matrix of users and movies, which every fit, "
        "ranker and measurement of this cut reads.",
        ins=protocol.build_inputs(["split"]),
        kinds={"python", "numpy"},
        io_manager_key="models",
    )
    def interactions(context: dg.AssetExecutionContext, split: pl.LazyFrame) -> Interactions:
        made = Interactions.from_ratings(ratings_at_cut(split, cut))
        context.add_output_metadata(count_interactions(made))
        return made

    return interactions


def _build_feature_assets(protocol: EvaluationProtocol) -> list[dg.AssetsDefinition]:
    @protocol.asset("movie_features", group="features", ins=protocol.build_inputs(["split"]))
    def movie_features(
        context: dg.AssetExecutionContext, split: pl.LazyFrame, movies: pl.LazyFrame, tmdb_features: TmdbFeatures
    ) -> pl.LazyFrame:
        """Features of movies, a row per cut (`as_of`) and movie.

        Rating statistics, year, age, decade, title length and genres; TMDB features if they are switched on.
        """
        movies = tmdb_features.add_features(movies, context.partition_key)
        return _concat_cuts(lambda cut: tables.compute_movie_features(ratings_at_cut(split, cut), movies))

    @protocol.asset(
        "user_features",
        group="features",
        ins=protocol.build_inputs(["movie_features"])
        | {cut: dg.AssetIn(protocol.build_key(f"interactions_{cut}"), dagster_type=INTERACTIONS) for cut in CUTS},
    )
    def user_features(movie_features: pl.LazyFrame, **interactions: Interactions) -> pl.LazyFrame:
        """Features of users, a row per cut (`as_of`) and user.

        Rating statistics, activity, share and liking of each genre, and averages over the movies that they rated.
        """

        def at(cut: str) -> pl.LazyFrame:
            movies = movie_features.filter(as_of=cut).collect()
            return tables.compute_user_features(interactions[cut], movies).lazy()

        return _concat_cuts(at)

    return [user_features, movie_features]


def _concat_cuts(compute_at_cut: Callable[[str], pl.LazyFrame]) -> pl.LazyFrame:
    return pl.concat([compute_at_cut(cut).with_columns(as_of=pl.lit(cut)) for cut in CUTS])


interactions = [_interactions(cut, protocol) for protocol in PROTOCOLS for cut in CUTS]
feature_tables = [table for protocol in PROTOCOLS for table in _build_feature_assets(protocol)]


def select_features_at_cut(cut: str, users: pl.LazyFrame, movies: pl.LazyFrame) -> matrix.Features:
    """The rows of one cut from both feature tables, in the form that the ranker reads."""
    return matrix.Features.from_tables(*(table.filter(pl.col("as_of") == cut).collect() for table in (users, movies)))
