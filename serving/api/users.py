"""JSON routes about one user of the data set: profile and history of ratings."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field

from movierec.bundles.bundle import Bundle
from movierec.catalog.catalog import Movie
from movierec.catalog.cluster_index import ClusterIndex
from serving.api.request_models import ResultCount
from serving.api.response_models import MovieOut
from serving.services.user_profile import UserRating, compute_tastes, list_decade_names, list_user_ratings
from serving.web.dependencies import MaybeCompanion, TheBundle
from serving.web.problems import describe_problems
from serving.web.query_params import PlainDigits, UserId

router = APIRouter(prefix="/api/users", tags=["users"], responses=describe_problems(404, 503))

UserIdPath = Annotated[UserId, Path(examples=[15])]


class TasteOut(BaseModel):
    """A genre or a decade; `share` is of all the user's ratings. A movie counts for each of its genres."""

    name: str
    n_ratings: int
    share: float
    mean_rating: float


class RatedMovie(MovieOut):
    """A rated movie; `place` is its position in the user's history, 1 for the first rating. It never changes."""

    rating: float
    place: int


class HistoryPage(BaseModel):
    """Ratings, newest first; `next` is the URL of the next older page, null on the last page."""

    total: int
    movies: list[RatedMovie]
    next: str | None


class ClusterOut(BaseModel):
    """A cluster of movies and the words (tags or genres) that are typical of it."""

    number: int
    kind: str
    words: list[str]


class ClusterShare(ClusterOut):
    """A cluster with the number of the user's ratings in it;

    `share` is that number divided by all the user's ratings.
    """

    n_ratings: int
    share: float


class Profile(BaseModel):
    """What the ratings of a user say about them.

    `clusters` are those of the rated movies, most rated first; `favorite_cluster` is the first of them. While no
    clusters are published they are empty and null.
    """

    user_id: int
    n_ratings: int
    mean_rating: float
    genres: list[TasteOut]
    decades: list[TasteOut]
    favorite_cluster: ClusterOut | None
    clusters: list[ClusterShare]
    history: HistoryPage


@router.get("/{user_id}/profile")
def user_profile(bundle: TheBundle, companion: MaybeCompanion, user_id: UserIdPath) -> Profile:
    """Shares and mean ratings by genre and decade, the favorite cluster, all clusters, the latest 20 ratings."""
    rated = require_ratings(bundle, user_id)
    clusters = count_cluster_shares(companion.clusters, rated) if companion else []
    return Profile(
        user_id=user_id,
        n_ratings=len(rated),
        mean_rating=sum(each.rating for each in rated) / len(rated),
        genres=[TasteOut(**taste._asdict()) for taste in compute_tastes(rated, lambda movie: movie.genres)],
        decades=[TasteOut(**taste._asdict()) for taste in compute_tastes(rated, list_decade_names)],
        favorite_cluster=clusters[0] if clusters else None,
        clusters=clusters,
        history=build_history_page(user_id, rated, after=None, limit=20),
    )


@router.get("/{user_id}/history")
def user_history(
    bundle: TheBundle,
    user_id: UserIdPath,
    after: Annotated[
        Annotated[int, Field(ge=1, lt=10**9), PlainDigits] | None,
        Query(examples=[5], description="the `place` of the last movie seen; without it the newest"),
    ] = None,
    limit: ResultCount = 20,
) -> HistoryPage:
    """The user's ratings, newest first."""
    return build_history_page(user_id, require_ratings(bundle, user_id), after=after, limit=limit)


def require_ratings(bundle: Bundle, user_id: int) -> list[UserRating]:
    """The user's ratings, newest first. Raises a 404 for a user without ratings."""
    rated = list_user_ratings(bundle, user_id)
    if not rated:
        raise HTTPException(404, f"user {user_id} has no ratings")
    return rated


def count_cluster_shares(clusters: ClusterIndex, rated: list[UserRating]) -> list[ClusterShare]:
    """The clusters of the rated movies with their shares of all ratings, most rated first."""
    spread = clusters.count_by_cluster([each.movie.movie_id for each in rated])
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


def build_history_page(user_id: int, rated: list[UserRating], *, after: int | None, limit: int) -> HistoryPage:
    """Up to `limit` ratings older than position `after`, with the URL of the next page."""
    older = [each for each in rated if after is None or each.place < after]
    shown = older[:limit]
    is_last = len(older) <= limit
    address = None if is_last else f"/api/users/{user_id}/history?after={shown[-1].place}&limit={limit}"
    return HistoryPage(total=len(rated), movies=[build_rated_movie(each) for each in shown], next=address)


def build_rated_movie(rated: UserRating) -> RatedMovie:
    """The rating as the JSON API answers it."""
    movie: Movie = rated.movie
    return RatedMovie.from_movie(movie, rating=rated.rating, place=rated.place)
