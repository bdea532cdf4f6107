"""Response models of the JSON API: lists of movies with the name of the model that chose them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel

from movierec.catalog.catalog import Movie
from serving.api.explanations import Why
from serving.posters import poster
from serving.services.recommendations import MovieList

ModelName = Literal[
    "two_stage",
    "candidates",
    "popularity_fallback",
    "popular_in_genres",
    "content",
    "taste_and_content",
    "als_cosine",
    "genre_jaccard",
    "ials",
    "transitions",
    "cluster",
    "cluster_tags",
    "cluster_genres",
]


class MovieOut(BaseModel):
    """A movie of the catalogue; unknown values are null."""

    movie_id: int
    title: str
    year: int | None
    genres: tuple[str, ...]
    popularity: float | None
    mean_rating: float | None
    n_ratings: int
    imdb_id: int | None
    tmdb_id: int | None
    tags: tuple[str, ...]
    poster: str

    @classmethod
    def from_movie(cls, movie: Movie, **more: Any) -> Self:
        """The movie with the URL of its poster; `more` are the additional fields of a subclass."""
        return cls(**movie._asdict(), poster=poster.build_poster_url(movie), **more)


class SimilarMovie(MovieOut):
    """A movie and its similarity to the requested one."""

    similarity: float


class RankedMovie(MovieOut):
    """A movie with its rank, from 1.

    `score` is the model's own, or null where the model gives only an order. Scores of different models cannot be
    compared.
    """

    rank: int
    score: float | None


class PersonalMovie(RankedMovie):
    """A movie recommended to one user.

    `explanation` is null if none was requested, and for movies that were chosen only because they are popular.
    """

    score: float
    explanation: Why | None

    @classmethod
    def list_from_movies(cls, chosen: MovieList, why: Mapping[int, Why]) -> list[Self]:
        """The movies with their ranks; `why` has explanations by movie_id."""
        ranked = enumerate(zip(chosen.movies, chosen.scores, strict=True), chosen.offset + 1)
        return [
            cls.from_movie(movie, score=score, rank=rank, explanation=why.get(movie.movie_id))
            for rank, (movie, score) in ranked
        ]


class Recommended(BaseModel):
    """Recommended movies, best first. `recommendations` are their titles, `model` is the model that chose them."""

    model: ModelName
    recommendations: list[str]
    movies: Sequence[RankedMovie]

    @classmethod
    def from_movies(cls, chosen: MovieList, **more: object) -> Self:
        """Builds the answer from a list of movies; `more` are the additional fields of a subclass."""
        scores: Sequence[float | None] = chosen.scores or [None] * len(chosen.movies)
        movies = [
            RankedMovie.from_movie(movie, rank=rank, score=score)
            for rank, (movie, score) in enumerate(zip(chosen.movies, scores, strict=True), chosen.offset + 1)
        ]
        titles = [movie.title for movie in chosen.movies]
        return cls.model_validate({"model": chosen.model, "recommendations": titles, "movies": movies, **more})


class ForMovie(Recommended):
    """Recommendations for one movie."""

    movie_id: int


class ForUser(Recommended):
    """Recommendations for one user."""

    user_id: int


class OfCluster(ForMovie):
    """Movies of one cluster; `cluster` is null for a movie that is in no cluster."""

    cluster: int | None


class ByWords(ForUser):
    """Movies chosen by the words of the user's favorite cluster.

    `kind` says whether the words are tags, or genres for a cluster without tags; null for a user without a favorite
    cluster.
    """

    favorite_cluster: int | None
    kind: Literal["tags", "genres"] | None
    words: list[str]


class ForUsers(BaseModel):
    """One answer for each requested `user_id`, in the order of the request."""

    answers: list[ForUser]


class ForRatings(Recommended):
    """Recommendations from a list of ratings;

    `ignored` are the rated movies that the recommender was fitted without.
    """

    movies: list[PersonalMovie]
    ignored: list[int]


class Top(BaseModel):
    """The most popular movies of the catalogue, best first."""

    movies: Sequence[RankedMovie]


class FavoriteCluster(BaseModel):
    """The cluster with most of the user's ratings."""

    favorite_cluster: int
