"""Clusters as the site reads them: the movies of each, its words, and the movies that carry these words."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.catalog.clusters import class_tfidf, genre_counts
from movierec.data.interactions import UNKNOWN, Ids, index_of_ids
from movierec.features.content import tag_counts

TAG_WORDS, GENRE_WORDS = "tags", "genres"
N_CLUSTER_WORDS = 10  # of a cluster, that movies are looked for by
MAX_MOVIES_BY_WORDS = 1_000  # movies by the words of a cluster


class Cluster(NamedTuple):
    """`movie_ids` are its movies, most rated first, then by mean rating; `kind` is TAG_WORDS or GENRE_WORDS (no tags).

    `words` describe the cluster; `movie_ids_by_words` are movies of any cluster that carry these words, best first.
    """

    kind: str
    words: list[str]
    movie_ids: Ids
    movie_ids_by_words: Ids


@dataclass(frozen=True)
class ClusterIndex:
    """`labels[i]` is the cluster of `movie_ids[i]`, ids ascending; cluster 3 is `clusters[3]`."""

    movie_ids: Ids
    labels: npt.NDArray[np.int16]
    clusters: list[Cluster]

    def find_cluster(self, movie_id: int) -> int | None:
        """The number of the movie's cluster; None for a movie that was not clustered."""
        row = int(index_of_ids(self.movie_ids, [movie_id])[0])
        return None if row == UNKNOWN else int(self.labels[row])

    def count_by_cluster(self, movie_ids: npt.ArrayLike) -> dict[int, int]:
        """Number of these movies in each cluster, largest first, ties by cluster number.

        Clusters without any of them are left out.
        """
        rows = index_of_ids(self.movie_ids, movie_ids)
        numbers, counts = np.unique(self.labels[rows[rows != UNKNOWN]], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return dict(zip(numbers[order].tolist(), counts[order].tolist(), strict=True))

    def find_favourite_cluster(self, movie_ids: npt.ArrayLike) -> int | None:
        """The cluster that has most of these movies, ties by the lowest number; None if none of them was clustered."""
        return next(iter(self.count_by_cluster(movie_ids)), None)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save_clusters` wrote."""
        members = pl.read_parquet(folder / "members.parquet")
        chosen, carriers = (pl.read_parquet(folder / f"{part}.parquet") for part in ("words", "carriers"))
        assigned = members.sort("movie_id")
        clusters = [
            Cluster(
                kind=next(iter(chosen.filter(cluster=number)["kind"]), GENRE_WORDS),
                words=chosen.filter(cluster=number)["tag"].to_list(),
                movie_ids=members.filter(cluster=number)["movie_id"].to_numpy(),
                movie_ids_by_words=carriers.filter(cluster=number)["movie_id"].to_numpy(),
            )
            for number in range(assigned["cluster"].n_unique())
        ]
        return cls(assigned["movie_id"].to_numpy(), assigned["cluster"].to_numpy(), clusters)


def save_clusters(
    folder: Path,
    assigned: pl.DataFrame,
    cluster_tags: pl.DataFrame,
    *,
    movies: pl.DataFrame,
    tags: pl.DataFrame,
    stats: pl.DataFrame,
) -> None:
    """Writes the files that a ClusterIndex is loaded from, with rows in the order in which they are served.

    `assigned` and `cluster_tags` are the tables of `cluster_movies` and `class_tfidf`; `stats` is `movie_id, n_ratings,
    mean_rating`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rated = stats.select("movie_id", "n_ratings", "mean_rating")
    members = (
        assigned.select("movie_id", "cluster")
        .join(rated, on="movie_id", how="left")
        .sort("n_ratings", "mean_rating", "movie_id", descending=[True, True, False], nulls_last=True)
    )
    chosen = select_cluster_words(assigned, cluster_tags, movies)
    members.select("movie_id", "cluster").write_parquet(folder / "members.parquet")
    chosen.write_parquet(folder / "words.parquet")
    movies_by_words(chosen, members, movies=movies, tags=tags).write_parquet(folder / "carriers.parquet")


def select_cluster_words(assigned: pl.DataFrame, cluster_tags: pl.DataFrame, movies: pl.DataFrame) -> pl.DataFrame:
    """`cluster, kind, tag, score`: the first N_CLUSTER_WORDS tags of each cluster, or its genres if it has no tags."""
    by_tags = cluster_tags.with_columns(kind=pl.lit(TAG_WORDS))
    by_genres = class_tfidf(assigned, genre_counts(movies)).with_columns(kind=pl.lit(GENRE_WORDS))
    chosen = pl.concat([by_tags, by_genres.join(by_tags, on="cluster", how="anti")])
    return (
        chosen.filter(pl.col("rank") <= N_CLUSTER_WORDS)
        .sort("cluster", "rank")
        .select("cluster", "kind", "tag", "score")
    )


def movies_by_words(
    chosen: pl.DataFrame, members: pl.DataFrame, *, movies: pl.DataFrame, tags: pl.DataFrame
) -> pl.DataFrame:
    """`cluster, movie_id`: for each cluster at most MAX_MOVIES_BY_WORDS movies that carry its words, best first.

    A movie's score is the sum over the words of (the word's score in the cluster) * (1 + log(users who gave it)), times
    log(2 + number of ratings), so that well-known movies come first. Ties in the order of `members`.
    """
    given = [
        tag_counts(tags).with_columns(kind=pl.lit(TAG_WORDS)),
        genre_counts(movies).with_columns(kind=pl.lit(GENRE_WORDS)),
    ]
    carried = pl.concat(
        [table.select("movie_id", "tag", "kind", pl.col("n_people").cast(pl.UInt32)) for table in given]
    )
    places = members.select("movie_id", known=(2 + pl.col("n_ratings").fill_null(0)).log()).with_row_index("place")
    return (
        chosen.join(carried, on=["kind", "tag"])
        .group_by("cluster", "movie_id")
        .agg(score=(pl.col("score") * (1 + pl.col("n_people").log())).sum())
        .join(places, on="movie_id")
        .with_columns((pl.col("score") * pl.col("known")).round(9))  # a sum in another order must not reorder equals
        .sort("cluster", "score", "place", descending=[False, True, False])
        .group_by("cluster", maintain_order=True)
        .head(MAX_MOVIES_BY_WORDS)
        .select("cluster", "movie_id")
    )
