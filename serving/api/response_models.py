"""What the JSON API answers: movies in order, with the model that chose them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel

from movierec.catalog.catalog import Movie
from serving.api.explanations import Why
from serving.posters import poster
from serving.services.recommendations import Chosen

Model = Literal[
    "two_stage",
    "candidates",
    "popularity_fallback",
    "popular_in_genres",
    "content",
    "als_cosine",
    "genre_jaccard",
    "ials",
    "transitions",
    "cluster",
    "cluster_tags",
    "cluster_genres",
]


class MovieOut(BaseModel):
    """A movie of the catalogue; what is not known is null."""

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
    def of(cls, movie: Movie, **more: Any) -> Self:
        return cls(**movie._asdict(), poster=poster.url(movie), **more)


class SimilarMovie(MovieOut):
    similarity: float


class RankedMovie(MovieOut):
    """`score` is the model's own and null where it only orders; scores of different models do not compare."""

    rank: int
    score: float | None


class PersonalMovie(RankedMovie):
    """`explanation` is null where none was asked for, and for movies that are simply popular."""

    score: float
    explanation: Why | None

    @classmethod
    def all_of(cls, chosen: Chosen, why: Mapping[int, Why]) -> list[Self]:
        ranked = enumerate(zip(chosen.movies, chosen.scores, strict=True), 1)
        return [
            cls.of(movie, score=score, rank=rank, explanation=why.get(movie.movie_id))
            for rank, (movie, score) in ranked
        ]


class Recommended(BaseModel):
    """Movies, best first; `recommendations` are their titles. `model` says who chose."""

    model: Model
    recommendations: list[str]
    movies: Sequence[RankedMovie]

    @classmethod
    def of(cls, chosen: Chosen, **more: object) -> Self:
        scores: Sequence[float | None] = chosen.scores or [None] * len(chosen.movies)
        movies = [
            RankedMovie.of(movie, rank=rank, score=score)
            for rank, (movie, score) in enumerate(zip(chosen.movies, scores, strict=True), 1)
        ]
        titles = [movie.title for movie in chosen.movies]
        return cls.model_validate({"model": chosen.model, "recommendations": titles, "movies": movies, **more})


class ForMovie(Recommended):
    movie_id: int


class ForUser(Recommended):
    user_id: int


class OfCluster(ForMovie):
    """`cluster` is null for a movie that was not there when the clusters were made."""

    cluster: int | None


class ByWords(ForUser):
    """`kind` says what the words are: tags, or genres where the cluster has no tags; null without a favourite."""

    favorite_cluster: int | None
    kind: Literal["tags", "genres"] | None
    words: list[str]


class ForUsers(BaseModel):
    """One answer for each `user_id` asked for, in that order."""

    answers: list[ForUser]


class ForRatings(Recommended):
    """`ignored` are rated movies that the recommender does not know: it was fitted without them."""

    movies: list[PersonalMovie]
    ignored: list[int]


class Top(BaseModel):
    """The most popular movies of all, best first."""

    movies: Sequence[RankedMovie]


class FavoriteCluster(BaseModel):
    """The cluster that most of the user's ratings are in."""

    favorite_cluster: int
