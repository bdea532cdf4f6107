"""JSON: popular and personal movies, one movie, and what is similar to it."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from serving.api.explanations import why_by_movie
from serving.api.response_models import MovieOut, PersonalMovie, SimilarMovie
from serving.services.recommendations import for_user, similar
from serving.web.dependencies import TheBundle
from serving.web.problems import responses
from serving.web.query_params import MovieId, UserId, Whole

router = APIRouter(tags=["movies"], responses=responses(503))

Limit = Annotated[Whole, Query(ge=1, le=100, examples=[5])]
OfMovie = Annotated[MovieId, Path(examples=[1])]
OfUser = Annotated[UserId, Query(examples=[15])]


class PopularAnswer(BaseModel):
    """`total` counts all movies with a popularity, not those of this answer."""

    total: int
    limit: int
    offset: int
    movies: list[MovieOut]


class PersonalAnswer(BaseModel):
    user_id: int
    model: Literal["two_stage", "candidates", "popularity_fallback"]
    movies: list[PersonalMovie]


class SimilarAnswer(BaseModel):
    movie_id: int
    model: Literal["als_cosine", "genre_jaccard", "not_available"]
    movies: list[SimilarMovie]


@router.get("/api/movies/popular")
def popular_movies(
    bundle: TheBundle, limit: Limit = 20, offset: Annotated[Whole, Query(ge=0, lt=10**9, examples=[20])] = 0
) -> PopularAnswer:
    """The most popular movies."""
    found = bundle.catalog.popular(limit=limit, offset=offset)
    return PopularAnswer(
        total=bundle.catalog.n_popular,
        limit=limit,
        offset=offset,
        movies=[MovieOut.of(movie) for movie in found],
    )


@router.get("/api/movies/personal")
def personal_movies(
    bundle: TheBundle,
    user_id: OfUser,
    limit: Limit = 20,
    explain: Annotated[bool, Query(examples=[True], description="whether each movie says why it was chosen")] = False,
) -> PersonalAnswer:
    """Recommendations for a user; popular movies for one that nobody knows, which `model` says.

    It is `two_stage`, or `candidates` where no ranker is published, or `popularity_fallback` for an unknown user and
    for one who has seen every movie.
    """
    chosen = for_user(bundle, user_id, n=limit, explain=explain)
    movies = PersonalMovie.all_of(chosen, why_by_movie(bundle, chosen.explanations))
    return PersonalAnswer.model_validate({"user_id": user_id, "model": chosen.model, "movies": movies})


@router.get("/api/movies/{movie_id}", responses=responses(404))
def one_movie(bundle: TheBundle, movie_id: OfMovie) -> MovieOut:
    """One movie of the catalogue."""
    return MovieOut.of(known(bundle, movie_id))


@router.get("/api/movies/{movie_id}/similar", responses=responses(404))
def similar_movies(bundle: TheBundle, movie_id: OfMovie, limit: Limit = 20) -> SimilarAnswer:
    """The movies most like one, nearest first: at most the 40 stored ones, whatever the `limit`.

    `model` is `als_cosine`; `genre_jaccard` where too few people rated the movie; `not_available` without movies.
    """
    chosen = similar(bundle, known(bundle, movie_id).movie_id, n=limit)
    pairs = zip(chosen.movies, chosen.scores, strict=True)
    movies = [SimilarMovie.of(movie, similarity=score) for movie, score in pairs]
    return SimilarAnswer.model_validate({"movie_id": movie_id, "model": chosen.model, "movies": movies})


def known(bundle: Bundle, movie_id: int) -> Movie:
    movie = bundle.catalog.by_id.get(movie_id)
    if movie is None:
        raise HTTPException(404, f"movie {movie_id} is not in the catalogue")
    return movie
