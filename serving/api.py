"""The JSON twins of the pages, and the health of the site."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel
from starlette.responses import Response

from movierec.catalog import Movie
from movierec.published import Bundle, BundleError
from serving import posters
from serving.deps import TheBundle, TheSite
from serving.lookups import MovieId, UserId, Whole, personal, similar
from serving.problems import responses

router = APIRouter(responses=responses(503))

Limit = Annotated[Whole, Query(ge=1, le=100)]


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
        return cls(**movie._asdict(), poster=posters.url(movie), **more)


class PersonalMovie(MovieOut):
    score: float
    rank: int


class SimilarMovie(MovieOut):
    similarity: float


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


class Health(BaseModel):
    """`ok`; `stale` while a newer bundle cannot be served, which `fault` explains; `empty` without any."""

    status: Literal["ok", "stale", "empty"]
    version: str | None = None
    run_id: str | None = None
    published_at: datetime | None = None
    age_seconds: int | None = None
    source: dict[str, Any] | None = None
    fault: str | None = None


@router.get("/api/movies/popular")
def popular_movies(
    bundle: TheBundle, limit: Limit = 20, offset: Annotated[Whole, Query(ge=0, lt=10**9)] = 0
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
def personal_movies(bundle: TheBundle, user_id: Annotated[UserId, Query()], limit: Limit = 20) -> PersonalAnswer:
    """Recommendations for a user; popular movies for one that nobody knows, which `model` says.

    It is `two_stage`, or `candidates` where no ranker is published, or `popularity_fallback` for an unknown user.
    """
    chosen = personal(bundle, user_id, n=limit)
    ranked = enumerate(zip(chosen.movies, chosen.scores, strict=True), 1)
    movies = [PersonalMovie.of(movie, score=score, rank=rank) for rank, (movie, score) in ranked]
    return PersonalAnswer.model_validate({"user_id": user_id, "model": chosen.model, "movies": movies})


@router.get("/api/movies/{movie_id}", responses=responses(404))
def one_movie(bundle: TheBundle, movie_id: MovieId) -> MovieOut:
    """One movie of the catalogue."""
    return MovieOut.of(known(bundle, movie_id))


@router.get("/api/movies/{movie_id}/similar", responses=responses(404))
def similar_movies(bundle: TheBundle, movie_id: MovieId, limit: Limit = 20) -> SimilarAnswer:
    """The movies most like one, nearest first: at most the 24 stored ones, whatever the `limit`.

    `model` is `als_cosine`; `genre_jaccard` where too few people rated the movie; `not_available` without movies.
    """
    chosen = similar(bundle, known(bundle, movie_id).movie_id, n=limit)
    pairs = zip(chosen.movies, chosen.scores, strict=True)
    movies = [SimilarMovie.of(movie, similarity=score) for movie, score in pairs]
    return SimilarAnswer.model_validate({"movie_id": movie_id, "model": chosen.model, "movies": movies})


@router.get("/health", responses={503: {"model": Health}})
def health(site: TheSite, response: Response) -> Health:
    """What is served, since when, and what keeps a newer bundle from being served."""
    try:
        bundle = site.live()
    except BundleError as error:
        response.status_code = 503
        return Health(status="empty", fault=str(error))
    about = site.about(bundle)
    return Health(
        status="stale" if site.live.fault else "ok",
        version=about.version,
        run_id=about.run_id,
        published_at=about.published_at,
        age_seconds=about.age_seconds(datetime.now(UTC)),
        source=dict(about.source),
        fault=site.live.fault,
    )


def known(bundle: Bundle, movie_id: int) -> Movie:
    movie = bundle.catalog.by_id.get(movie_id)
    if movie is None:
        raise HTTPException(404, f"no movie {movie_id} in the catalogue")
    return movie
