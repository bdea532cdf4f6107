"""JSON: what the published recommender knows of a user."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from movierec.catalog.cluster_index import ClusterIndex
from serving.api.movies import Limit
from serving.api.response_models import MovieOut
from serving.services.user_profile import Rated, decades, history, tastes
from serving.web.dependencies import MaybeCompanion, TheBundle
from serving.web.problems import responses
from serving.web.query_params import UserId, Whole

router = APIRouter(prefix="/api/users", tags=["users"], responses=responses(404, 503))

ThisUser = Annotated[UserId, Path(examples=[15])]


class TasteOut(BaseModel):
    """A genre or a decade; `share` is of all the user's ratings. A movie counts for each of its genres."""

    name: str
    n_ratings: int
    share: float
    mean_rating: float


class RatedMovie(MovieOut):
    """`place` is 1 for the user's first rating, 2 for the one after it, whatever comes later."""

    rating: float
    place: int


class HistoryPage(BaseModel):
    """Newest first; `next` is the address of the older ones, null on the last page."""

    total: int
    movies: list[RatedMovie]
    next: str | None


class ClusterOut(BaseModel):
    """A cluster of movies and the words (tags or genres) that mark it."""

    number: int
    kind: str
    words: list[str]


class ClusterShare(ClusterOut):
    """`share` is of all the user's ratings."""

    n_ratings: int
    share: float


class Profile(BaseModel):
    """`clusters` are those of the rated movies, most rated first. They are empty and `favorite_cluster`, the first of
    them, is null while no clusters are published."""

    user_id: int
    n_ratings: int
    mean_rating: float
    genres: list[TasteOut]
    decades: list[TasteOut]
    favorite_cluster: ClusterOut | None
    clusters: list[ClusterShare]
    history: HistoryPage


@router.get("/{user_id}/profile")
def user_profile(bundle: TheBundle, companion: MaybeCompanion, user_id: ThisUser) -> Profile:
    """Taste by genres and decades, the favourite cluster and the others, the last 20 ratings."""
    rated = ratings_of(bundle, user_id)
    clusters = shares_of(companion.clusters, rated) if companion else []
    return Profile(
        user_id=user_id,
        n_ratings=len(rated),
        mean_rating=sum(each.rating for each in rated) / len(rated),
        genres=[TasteOut(**taste._asdict()) for taste in tastes(rated, lambda movie: movie.genres)],
        decades=[TasteOut(**taste._asdict()) for taste in tastes(rated, decades)],
        favorite_cluster=clusters[0] if clusters else None,
        clusters=clusters,
        history=page_of(user_id, rated, after=None, limit=20),
    )


@router.get("/{user_id}/history")
def user_history(
    bundle: TheBundle,
    user_id: ThisUser,
    after: Annotated[
        Whole | None,
        Query(ge=1, lt=10**9, examples=[5], description="the `place` of the last movie seen; without it the newest"),
    ] = None,
    limit: Limit = 20,
) -> HistoryPage:
    """The user's ratings, newest first."""
    return page_of(user_id, ratings_of(bundle, user_id), after=after, limit=limit)


def ratings_of(bundle: Bundle, user_id: int) -> list[Rated]:
    """Raises a 404 for a user without ratings."""
    rated = history(bundle, user_id)
    if not rated:
        raise HTTPException(404, f"user {user_id} has no ratings")
    return rated


def shares_of(clusters: ClusterIndex, rated: list[Rated]) -> list[ClusterShare]:
    spread = clusters.spread([each.movie.movie_id for each in rated])
    return [
        ClusterShare(
            number=number,
            kind=clusters.clusters[number].kind,
            words=clusters.clusters[number].words,
            n_ratings=n_ratings,
            share=n_ratings / len(rated),
        )
        for number, n_ratings in spread.items()
    ]


def page_of(user_id: int, rated: list[Rated], *, after: int | None, limit: int) -> HistoryPage:
    older = [each for each in rated if after is None or each.place < after]
    shown = older[:limit]
    is_last = len(older) <= limit
    address = None if is_last else f"/api/users/{user_id}/history?after={shown[-1].place}&limit={limit}"
    return HistoryPage(total=len(rated), movies=[rated_movie(each) for each in shown], next=address)


def rated_movie(rated: Rated) -> RatedMovie:
    movie: Movie = rated.movie
    return RatedMovie.of(movie, rating=rated.rating, place=rated.place)
