"""Clusters of movies, the tags that characterise them, and the companion in which the site reads them.

Recommendations and the bundle do not depend on these assets.
"""

from dataclasses import asdict
from pathlib import Path

import dagster as dg
import polars as pl
from pydantic import Field

from assets.partitions import PARQUET_KINDS, sample_partitions
from movierec.bundles.companion import publish_companion
from movierec.candidates.ials import IALS
from movierec.catalog import clusters as clustering
from movierec.catalog.clusters import ClusterParams
from movierec.features.content import build_content_vectors, tag_counts
from resources import plots
from resources.bundle_stores import CompanionStore, build_origin, build_version_name
from resources.io_managers import get_folder_size, render_markdown_table
from resources.sources.dataset import Dataset

OWNERS = ["team:ml"]

DEFAULT_PARAMS = ClusterParams()


class ClusterConfig(dg.Config):
    """Number of clusters, random seed, and the weights of ratings and factors; see ClusterParams."""

    k: int = Field(default=DEFAULT_PARAMS.k, ge=1)
    seed: int = DEFAULT_PARAMS.seed
    dimensions: int = DEFAULT_PARAMS.dimensions
    rating_weight: float = DEFAULT_PARAMS.rating_weight
    factor_weight: float = DEFAULT_PARAMS.factor_weight

    def to_params(self) -> ClusterParams:
        """The same values as ClusterParams."""
        return ClusterParams(**self.model_dump())


@dg.asset(partitions_def=sample_partitions, group_name="clusters", kinds={"scikitlearn", "parquet"}, owners=OWNERS)
def clusters(
    context: dg.AssetExecutionContext,
    config: ClusterConfig,
    movies: pl.DataFrame,
    tags: pl.DataFrame,
    movie_features: pl.LazyFrame,
    ials: IALS,
) -> pl.DataFrame:
    """The cluster of every movie, by KMeans: `movie_id, cluster, x, y`.

    Input are genres, year, tags, rating statistics and, if `factor_weight` is not 0, iALS factors. Cluster 0 is the
    largest; x and y are the first two principal components.
    """
    rated = movie_features.filter(pl.col("as_of") == "all")
    found = clustering.cluster_movies(
        build_content_vectors(movies, tags),
        rated.select("movie_id", "movie_avg_rating", "movie_num_ratings").collect(),
        config.to_params(),
        factors=(ials.movie_ids, ials.item_factors),
    )
    silhouettes = pl.DataFrame(
        list(found.silhouettes.items()), {"cluster": pl.Int16, "silhouette": pl.Float64}, orient="row"
    )
    marks = clustering.class_tfidf(found.table, clustering.genre_counts(movies), n=4)
    genres = marks.group_by("cluster", maintain_order=True).agg(genres=pl.col("tag").str.join(", "))
    sizes = found.table.group_by("cluster").agg(movies=pl.len())
    told = sizes.join(silhouettes, on="cluster", how="left").join(genres, on="cluster", how="left").sort("cluster")
    context.add_output_metadata(
        {name: value for name, value in asdict(config.to_params()).items() if name != "silhouette_movies"}
        | ({} if found.silhouette is None else {"silhouette": found.silhouette})
        | {
            "clusters": render_markdown_table(told),
            "map": plots.plot_scatter(found.table, title="Movies by their two main components"),
        }
    )
    return found.table


@dg.asset(partitions_def=sample_partitions, group_name="clusters", kinds=PARQUET_KINDS, owners=OWNERS)
def cluster_tags(context: dg.AssetExecutionContext, clusters: pl.DataFrame, tags: pl.DataFrame) -> pl.DataFrame:
    """The tags that characterise each cluster, by class-based TF-IDF: `cluster, rank, tag, score, n_people, n_movies`.

    Empty if the data set has no tags.
    """
    found = clustering.class_tfidf(clusters, tag_counts(tags))
    top = found.filter(pl.col("rank") <= 8).group_by("cluster", maintain_order=True).agg(pl.col("tag").str.join(" · "))
    context.add_output_metadata({"top": render_markdown_table(top)})
    return found


@dg.asset(partitions_def=sample_partitions, group_name="clusters", kinds={"python"}, owners=["team:web"])
def companion(
    context: dg.AssetExecutionContext,
    dataset: Dataset,
    clusters: pl.DataFrame,
    cluster_tags: pl.DataFrame,
    movies: pl.DataFrame,
    tags: pl.DataFrame,
    catalogue: pl.DataFrame,
    companions: CompanionStore,
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Publishes clusters, cluster tags and content vectors for the site, in a folder beside the bundle.

    Stores no table. The site uses a new companion as soon as it is published.
    """
    folder = publish_companion(
        Path(companions.root, context.partition_key),
        build_version_name(context.run_id),
        clusters=clusters,
        cluster_tags=cluster_tags,
        content=build_content_vectors(movies, tags),
        movies=movies,
        tags=tags,
        stats=catalogue.select("movie_id", "n_ratings", "mean_rating"),
        manifest=build_origin(context, dataset),
        kept=companions.keep,
    )
    return dg.MaterializeResult(metadata={"companion": dg.MetadataValue.path(folder), "bytes": get_folder_size(folder)})
