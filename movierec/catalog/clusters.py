"""Clusters of movies by KMeans over content and ratings, and the tags that describe each cluster."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from movierec.data.interactions import Float32Array, Ids, index_of_ids
from movierec.features.content import ContentVectors

CLUSTERS = {"movie_id": pl.Int32, "cluster": pl.Int16, "x": pl.Float32, "y": pl.Float32}
CLUSTER_WORDS = {
    "cluster": pl.Int16,
    "rank": pl.Int16,
    "tag": pl.String,
    "score": pl.Float32,
    "n_people": pl.Int32,
    "n_movies": pl.Int32,
}


@dataclass(frozen=True)
class ClusterParams:
    """`k` clusters over `dimensions` dimensions of the content; `silhouette_movies` are drawn for the silhouette.

    The weights multiply standardised ratings and factors of length 1; content vectors have length 1.
    """

    k: int = 10
    seed: int = 0
    dimensions: int = 32
    rating_weight: float = 0.15
    factor_weight: float = 0.0
    silhouette_movies: int = 2_000


class Clustering(NamedTuple):
    """`table` is `movie_id, cluster, x, y`, ordered by movie_id; x and y are the first two principal components.

    Cluster 0 is the largest; of equally large ones the one with the lowest movie_id comes first. `silhouette` is the
    mean over a fixed draw of movies, `silhouettes` that of each cluster; None and empty with a single cluster.
    """

    table: pl.DataFrame
    silhouette: float | None
    silhouettes: dict[int, float]


def cluster_movies(
    content: ContentVectors,
    rated: pl.DataFrame,
    params: ClusterParams | None = None,
    *,
    factors: tuple[Ids, Float32Array] | None = None,
) -> Clustering:
    """KMeans over content, rating aggregates and, if their weight is not 0, item factors (`movie_ids`, vectors).

    `rated` is `movie_id, movie_avg_rating, movie_num_ratings` of every movie. There are never more clusters than
    distinct movies. Runs on one thread, so that the same input gives the same clusters.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415  a second that the site need not pay

    params = params or ClusterParams()
    with threadpool_limits(1):
        points = _build_points(content, rated, params, factors)
        k = min(params.k, len(np.unique(points, axis=0)))
        found = KMeans(k, n_init=4, random_state=params.seed).fit(points)
        labels = _renumber_by_size(found.labels_)
        drawn = np.random.default_rng(params.seed).permutation(len(points))[: params.silhouette_movies]
        overall, silhouettes = _compute_silhouettes(points[drawn], labels[drawn])
        flat = _project_to_plane(points)
    table = {"movie_id": content.movie_ids, "cluster": labels, "x": flat[:, 0], "y": flat[:, 1]}
    return Clustering(pl.DataFrame(table, schema=CLUSTERS), overall, silhouettes)


def class_tfidf(clusters: pl.DataFrame, tag_counts: pl.DataFrame, *, n: int = 50) -> pl.DataFrame:
    """The `n` tags that describe each cluster best: columns of CLUSTER_WORDS, by cluster and rank (from 1).

    `tag_counts` is `movie_id, tag, n_people`. Class-based TF-IDF (Grootendorst 2022): the tag's share of the cluster's
    tags * log(1 + mean number of tags per cluster / number of this tag everywhere). Tags that are rarer in the cluster
    than over all clusters are left out. Ties in alphabetical order.
    """
    used = tag_counts.join(clusters.select("movie_id", "cluster"), on="movie_id")
    here = used.group_by("cluster", "tag").agg(n_people=pl.col("n_people").sum().cast(pl.Int64), n_movies=pl.len())
    everywhere = here.group_by("tag").agg(overall=pl.col("n_people").sum())
    total = pl.col("n_people").sum()
    counted = here.with_columns(
        total=total, average=total / pl.col("cluster").n_unique(), of_cluster=total.over("cluster")
    )
    return (
        counted.join(everywhere, on="tag")
        # Whole numbers: of fractions that are equal one may come out smaller.
        .filter(pl.col("n_people") * pl.col("total") >= pl.col("overall") * pl.col("of_cluster"))
        .with_columns(score=pl.col("n_people") / pl.col("of_cluster") * (pl.col("average") / pl.col("overall")).log1p())
        .sort("cluster", "score", "tag", descending=[False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("cluster"))
        .filter(pl.col("rank") <= n)
        .select(pl.col(name).cast(dtype) for name, dtype in CLUSTER_WORDS.items())
    )


def genre_counts(movies: pl.DataFrame) -> pl.DataFrame:
    """Genres in the form of `tag_counts`, each counted once: used instead of tags where there are none."""
    return movies.select("movie_id", tag="genres").explode("tag").drop_nulls("tag").with_columns(n_people=pl.lit(1))


def _compute_silhouettes(
    points: npt.NDArray[np.float32], labels: npt.NDArray[np.int16]
) -> tuple[float | None, dict[int, float]]:
    """The mean silhouette of all points, and that of each cluster."""
    from sklearn.metrics import silhouette_samples  # noqa: PLC0415

    names = np.unique(labels)
    if not 1 < len(names) < len(points):
        return None, {}
    values = silhouette_samples(points, labels)
    return float(values.mean()), {int(name): float(values[labels == name].mean()) for name in names}


def _build_points(
    content: ContentVectors, rated: pl.DataFrame, params: ClusterParams, factors: tuple[Ids, Float32Array] | None
) -> npt.NDArray[np.float32]:
    """The points that KMeans clusters: movies x numbers, float32, in the order of `content`."""
    numbers = pl.DataFrame({"movie_id": content.movie_ids}).join(
        rated, on="movie_id", how="left", maintain_order="left"
    )
    aggregates = numbers.select(
        pl.col("movie_avg_rating").fill_null(pl.col("movie_avg_rating").mean()).fill_null(0),
        pl.col("movie_num_ratings").fill_null(0).log1p(),
    ).to_numpy()
    sides: list[npt.NDArray[np.floating]] = [
        _reduce_content(content, params),
        params.rating_weight * _standardise(aggregates),
    ]
    if factors is not None and params.factor_weight:
        movie_ids, vectors = factors
        rows = index_of_ids(movie_ids, content.movie_ids)
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        sides.append(params.factor_weight * np.where((rows >= 0)[:, None], unit[rows], 0))
    return np.hstack(sides).astype(np.float32)


def _reduce_content(content: ContentVectors, params: ClusterParams) -> npt.NDArray[np.float32]:
    """The content vectors reduced to `dimensions` by SVD; as they are if they have no more."""
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415

    if min(content.vectors.shape) <= params.dimensions:
        return content.vectors.toarray()
    left, sizes, _ = randomized_svd(content.vectors, params.dimensions, random_state=params.seed)
    reduced: npt.NDArray[np.float32] = left * sizes
    return reduced


def _project_to_plane(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The first two principal components, with signs chosen so that the largest loading of each is positive."""
    centred = points - points.mean(axis=0)
    loadings = np.linalg.eigh(centred.T @ centred).eigenvectors[:, [-1, -2]]
    largest = np.abs(loadings).argmax(axis=0)
    turned: npt.NDArray[np.float32] = centred @ (loadings * np.sign(loadings[largest, [0, 1]]))
    return turned


def _standardise(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    spread = values.std(axis=0)
    standardised: npt.NDArray[np.float64] = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return standardised


def _renumber_by_size(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int16]:
    """Cluster labels renumbered by size, largest first; ties by the lowest row, which is the lowest movie_id."""
    names, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.empty(names.max() + 1, np.int16)
    number[names[order]] = np.arange(len(names), dtype=np.int16)
    return number[labels]
