"""What the JSON API answers: movies in order, with the model that chose them."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel

from serving.api import MovieOut
from serving.lookups import Chosen

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


class RankedMovie(MovieOut):
    """`score` is the model's own and null where it only orders; scores of different models do not compare."""

    rank: int
    score: float | None


class Recommended(BaseModel):
    """Movies, best first; `recommendations` are their titles. `model` says who chose."""

    model: Model
    recommendations: list[str]
    movies: list[RankedMovie]

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
    """`kind` says what the words are: tags, or genres where the data set has no tags; null without a favourite."""

    favorite_cluster: int | None
    kind: Literal["tags", "genres"] | None
    words: list[str]


class ForUsers(BaseModel):
    """One answer for each `user_id` asked for, in that order."""

    answers: list[ForUser]


class ForRatings(Recommended):
    """`ignored` are rated movies that the recommender does not know."""

    ignored: list[int]


class Top(BaseModel):
    """The most popular movies of all, best first."""

    movies: list[RankedMovie]


class FavoriteCluster(BaseModel):
    """The cluster that most of the user's ratings are in."""

    favorite_cluster: int
