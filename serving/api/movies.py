"""JSON routes: popular movies, personal recommendations, one movie, similar movies."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from serving.api.explanations import explain_movies
from serving.api.paging import take_page
from serving.api.request_models import ListOffset, MovieIdPath, ResultCount, UserIdQuery, count_needed, require_movie
from serving.api.response_models import MovieOut, PersonalMovie, SimilarMovie
from serving.services.recommendations import find_similar_movies, recommend_with_fallback
from serving.web.dependencies import TheBundle
from serving.web.problems import describe_problems
from serving.web.query_params import PlainDigits

router = APIRouter(tags=["movies"], responses=describe_problems(503))


class PopularAnswer(BaseModel):
    """One page of the popular movies; `total` counts all movies that have a popularity."""

    total: int
    limit: int
    offset: int
    movies: list[MovieOut]


class PersonalAnswer(BaseModel):
    """Recommendations for one user and the model that chose them."""

    user_id: int
    model: Literal["two_stage", "candidates", "popularity_fallback"]
    movies: list[PersonalMovie]


class SimilarAnswer(BaseModel):
    """The movies most similar to one movie and the model that compared them."""

    movie_id: int
    model: Literal["taste_and_content", "als_cosine", "genre_jaccard", "not_available"]
    movies: list[SimilarMovie]


@router.get("/api/movies/popular")
def popular_movies(
    bundle: TheBundle,
    limit: ResultCount = 20,
    offset: Annotated[int, Query(ge=0, lt=10**9, examples=[20]), PlainDigits] = 0,
) -> PopularAnswer:
    """The most popular movies."""
    found = bundle.catalogue.list_popular(limit=limit, offset=offset)
    return PopularAnswer(
        total=bundle.catalogue.n_popular,
        limit=limit,
        offset=offset,
        movies=[MovieOut.from_movie(movie) for movie in found],
    )


@router.get("/api/movies/personal")
def personal_movies(
    bundle: TheBundle,
    user_id: UserIdQuery,
    limit: ResultCount = 20,
    offset: ListOffset = 0,
    explain: Annotated[bool, Query(examples=[True], description="whether each movie says why it was chosen")] = False,
) -> PersonalAnswer:
    """Recommendations for a user; popular movies for an unknown user.

    `model` is `two_stage`, `candidates` if no ranker is published, or `popularity_fallback` for an unknown user and for
    a user who has rated every movie.
    """
    chosen = recommend_with_fallback(bundle, user_id, n=count_needed(offset, limit), explain=explain)
    movies = PersonalMovie.list_from_movies(take_page(chosen, offset), explain_movies(bundle, chosen.explanations))
    return PersonalAnswer.model_validate({"user_id": user_id, "model": chosen.model, "movies": movies})


@router.get("/api/movies/{movie_id}", responses=describe_problems(404))
def one_movie(bundle: TheBundle, movie_id: MovieIdPath) -> MovieOut:
    """One movie of the catalogue."""
    return MovieOut.from_movie(require_movie(bundle, movie_id))


@router.get("/api/movies/{movie_id}/similar", responses=describe_problems(404))
def similar_movies(
    bundle: TheBundle, movie_id: MovieIdPath, limit: ResultCount = 20, offset: ListOffset = 0
) -> SimilarAnswer:
    """The movies most similar to one, nearest first: at most the 40 stored ones, whatever the `limit`.

    `model` is `taste_and_content`, `genre_jaccard` if the movie has too few ratings, or `not_available` if there are no
    movies. `als_cosine` is a name of the contract, for lists by factors alone; the graph no longer makes them.
    """
    chosen = find_similar_movies(bundle, require_movie(bundle, movie_id).movie_id, n=count_needed(offset, limit))
    page = take_page(chosen, offset)
    pairs = zip(page.movies, page.scores, strict=True)
    movies = [SimilarMovie.from_movie(movie, similarity=score) for movie, score in pairs]
    return SimilarAnswer.model_validate({"movie_id": movie_id, "model": chosen.model, "movies": movies})
