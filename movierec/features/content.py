"""Content vectors of movies: genres, decade and tags as one sparse vector, compared by cosine. Also the tags shown for
a
movie.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from movierec.data.interactions import Float32Array, Ids, Indices, index_of_ids
from movierec.data.top_k import top_n

# How much each side of a movie counts in a cosine; a side that a movie lacks leaves its share to the others.
GENRE_WEIGHT, TIME_WEIGHT, TAG_WEIGHT = 1.0, 0.5, 1.0


class ContentVectors(NamedTuple):
    """One content vector per movie: row i of `vectors` belongs to `movie_ids[i]`; ids ascending.

    `vectors` is CSR, float32; rows have length 1, or 0 where nothing is known of the movie.
    """

    movie_ids: Ids
    vectors: sp.csr_array

    def find_nearest(self, movie_id: int, *, n: int) -> tuple[Ids, Float32Array]:
        """Ids and cosines of the `n` movies most similar to a movie, most similar first; empty for an unknown or empty
        movie.

        Equal cosines by ascending id. Movies that share nothing with it (cosine 0) are left out, so there may be fewer
        than `n`.
        """
        row = int(index_of_ids(self.movie_ids, [movie_id])[0])
        cosines = self.compute_cosines(row) if row >= 0 else np.zeros(0, np.float32)
        if not cosines.any():
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        cosines[row] = 0
        columns, best = top_n(cosines[None, :], n=min(n, len(cosines)))
        alike = best[0] > 0
        return self.movie_ids[columns[0][alike]], best[0][alike]

    def compute_cosines(self, row: int) -> Float32Array:
        """Cosines of the movie in `row` with every movie, in the order of `movie_ids`."""
        found: Float32Array = self.vectors @ self.vectors[[row]].toarray()[0]
        return found


def build_content_vectors(movies: pl.DataFrame, tags: pl.DataFrame) -> ContentVectors:
    """A content vector for every movie of `movies` (`movie_id, year, genres`), with the tags of `tags`.

    All of `tags` is used: for an evaluation, cut them by time first. A movie needs neither ratings nor tags. A side
    that a movie lacks (genres, year or tags) leaves its weight to the others.
    """
    table = movies.select("movie_id", "year", "genres").sort("movie_id")
    movie_ids = table["movie_id"].to_numpy().astype(np.int32)
    sides = [
        GENRE_WEIGHT * normalize_rows(_build_genre_vectors(table)),
        TIME_WEIGHT * normalize_rows(_build_decade_vectors(table)),
        TAG_WEIGHT * normalize_rows(compute_tag_weights(movie_ids, tags).weights),
    ]
    return ContentVectors(movie_ids, normalize_rows(sp.hstack(sides, format="csr")))


class TagWeights(NamedTuple):
    """TF-IDF weights of tags: row i of `weights` is the i-th of the given movies, column j is `tags[j]`.

    `tags` are in alphabetical order.
    """

    tags: list[str]
    weights: sp.csr_array


def compute_tag_weights(movie_ids: Ids, tags: pl.DataFrame, *, min_movies: int = 2) -> TagWeights:
    """TF-IDF of the tags of each movie; only tags that at least `min_movies` movies carry.

    Tags are compared in lower case without surrounding spaces. TF is 1 + log(users who gave it to the movie), IDF is
    log(tagged movies / movies with this tag) + 1.
    """
    given = tag_counts(tags).filter(pl.col("movie_id").is_in(movie_ids.tolist()))
    spread = given.group_by("tag").len("n_movies").filter(pl.col("n_movies") >= min_movies).sort("tag")
    known = given.join(spread.with_row_index("column"), on="tag")
    n_tagged = max(given["movie_id"].n_unique(), 1)
    weights = (1 + np.log(known["n_people"].to_numpy())) * (np.log(n_tagged / known["n_movies"].to_numpy()) + 1)
    rows = index_of_ids(movie_ids, known["movie_id"].to_numpy())
    return TagWeights(
        spread["tag"].to_list(), _build_sparse_matrix(weights, rows, known["column"].to_numpy(), len(movie_ids))
    )


def tag_counts(tags: pl.DataFrame) -> pl.DataFrame:
    """`movie_id, tag, n_people`: every tag of a movie once, in lower case, with the number of users who gave it."""
    return (
        tags.with_columns(pl.col("tag").str.strip_chars().str.to_lowercase())
        .filter(pl.col("tag") != "")
        .group_by("movie_id", "tag")
        .agg(n_people=pl.col("user_id").n_unique())
    )


def _build_genre_vectors(table: pl.DataFrame) -> sp.csr_array:
    """One column per genre; a rare genre weighs more (inverse document frequency)."""
    pairs = table.with_row_index("row").explode("genres").drop_nulls("genres")
    names = pairs.group_by("genres").len("n_movies").sort("genres").with_row_index("column")
    known = pairs.join(names, on="genres")
    weights = np.log(len(table) / known["n_movies"].to_numpy()) + 1
    return _build_sparse_matrix(weights, known["row"].to_numpy(), known["column"].to_numpy(), len(table))


def _build_decade_vectors(table: pl.DataFrame) -> sp.csr_array:
    """Shares of a year in the two nearest decades, so that 1989 and 1990 are similar."""
    dated = table.with_row_index("row").drop_nulls("year")
    years = dated["year"].to_numpy().astype(np.float64)
    first = (years.min(initial=2000) - 5) // 10 * 10 + 5
    decade, share = np.divmod((years - first) / 10, 1)
    rows = dated["row"].to_numpy()
    columns = np.concatenate([decade, decade + 1]).astype(np.intp)
    return _build_sparse_matrix(np.concatenate([1 - share, share]), np.concatenate([rows, rows]), columns, len(table))


def _build_sparse_matrix(
    weights: npt.NDArray[np.float64], rows: npt.ArrayLike, columns: Indices, n_rows: int
) -> sp.csr_array:
    width = int(columns.max(initial=0)) + 1
    places = (np.asarray(rows).astype(np.int32), columns.astype(np.int32))
    matrix = sp.csr_array((weights.astype(np.float32), places), shape=(n_rows, width))
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


def normalize_rows(matrix: sp.csr_array) -> sp.csr_array:
    """The matrix with each row scaled to length 1; empty rows stay empty."""
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sp.csr_array(matrix.multiply(scale[:, None])).astype(np.float32)


MAX_TAG_LENGTH = 40  # letters; what is longer is a remark


def select_top_tags(tags: pl.LazyFrame, *, n: int = 10) -> pl.LazyFrame:
    """`movie_id, tags`: the `n` tags given by most users to each tagged movie, in lower case; ties in alphabetical
    order.

    Tags longer than MAX_TAG_LENGTH characters are left out.
    """
    return (
        tag_counts(tags.collect())
        .lazy()
        .filter(pl.col("tag").str.len_chars() <= MAX_TAG_LENGTH)
        .group_by("movie_id")
        .agg(tags=pl.col("tag").sort_by("n_people", "tag", descending=[True, False]).head(n))
    )
