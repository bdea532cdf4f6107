"""The catalogue of the site: every movie, most popular first."""

from collections.abc import Sequence
from dataclasses import dataclass
from sys import intern
from typing import NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from movierec.features.content import select_top_tags

# Ratings of one movie scatter by about 1 star, so the mean of 25 has a standard error of 0.2 stars: half of the 0.4 by
# which the means of much rated movies differ (MovieLens). With fewer ratings a mean says less than the prior.
PRIOR_RATINGS = 25.0


class Movie(NamedTuple):
    """What a card shows. `popularity` is None for movies with too few ratings, `mean_rating` for movies with none."""

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]
    popularity: float | None
    mean_rating: float | None
    n_ratings: int
    imdb_id: int | None
    tmdb_id: int | None
    tags: tuple[str, ...] = ()


def build_catalogue(movies: pl.LazyFrame, links: pl.LazyFrame, stats: pl.LazyFrame, tags: pl.LazyFrame) -> pl.LazyFrame:
    """One row per movie with the columns of Movie: most popular first, then most rated, then by title.

    `stats` is `movie_id, n_ratings, mean_rating, popularity` of the rated movies, `tags` is `user_id, movie_id, tag`.
    """
    return (
        movies.select("movie_id", "display_title", "year", "genres")
        .rename({"display_title": "title"})
        .join(stats.select("movie_id", "popularity", "mean_rating", "n_ratings"), on="movie_id", how="left")
        .join(links, on="movie_id", how="left")
        .join(select_top_tags(tags), on="movie_id", how="left")
        .with_columns(pl.col("n_ratings").fill_null(0), pl.col("tags").fill_null([]))
        .select(Movie._fields)
        .sort("popularity", "n_ratings", "title", "movie_id", descending=[True, True, False, False], nulls_last=True)
    )


def compute_shrunk_means(mean_ratings: NDArray[np.float64], n_ratings: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each movie the mean rating, in stars, that "best rated" orders by: a few high ratings do not lead.

    It is `(C * m + sum of the ratings) / (C + n_ratings)`, where m is the mean of all ratings and C is PRIOR_RATINGS
    (a Bayesian average). NaN for a movie without ratings.
    """
    sums = np.nan_to_num(mean_ratings) * n_ratings
    overall = sums.sum() / max(n_ratings.sum(), 1.0)
    shrunk = (PRIOR_RATINGS * overall + sums) / (PRIOR_RATINGS + n_ratings)
    return np.where(n_ratings > 0, shrunk, np.nan)


@dataclass(frozen=True)
class Catalogue:
    """All movies in memory, in catalogue order; the first `n_popular` have a popularity."""

    movies: Sequence[Movie]
    by_id: dict[int, Movie]
    n_popular: int

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> Self:
        """From a table as `build_catalogue` makes it."""
        columns = [table[field].to_list() for field in Movie._fields]
        for field in ("genres", "tags"):
            at = Movie._fields.index(field)
            columns[at] = [tuple(map(intern, each)) for each in columns[at]]  # few different ones: each kept once
        movies = [Movie(*row) for row in zip(*columns, strict=True)]
        popular = table["popularity"].count()
        return cls(movies, {movie.movie_id: movie for movie in movies}, popular)

    def list_popular(self, *, limit: int, offset: int = 0) -> Sequence[Movie]:
        """The most popular movies from `offset` on, at most `limit`; empty past their end."""
        return self.movies[min(offset, self.n_popular) : min(offset + limit, self.n_popular)]

    def find_movies(self, movie_ids: Sequence[int]) -> list[Movie]:
        """The movies with these ids, in their order; ids that are not in the catalogue are left out."""
        return [self.by_id[movie_id] for movie_id in movie_ids if movie_id in self.by_id]

    def get_page(self, number: int, *, size: int) -> Sequence[Movie]:
        """Page `number` (from 1) of the whole catalogue; empty past its end."""
        return self.movies[(number - 1) * size : number * size]
