"""JSON routes that answer from the clusters of movies."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from serving.api.paging import take_page
from serving.api.request_models import ListOffset, ResultCount, UserIdQuery, count_needed, require_movie
from serving.api.response_models import ByWords, FavoriteCluster, OfCluster
from serving.services import recommendations
from serving.services.recommendations import get_rated_movie_ids
from serving.web.dependencies import TheBundle, TheCompanion
from serving.web.problems import build_parameter_error, describe_problems
from serving.web.query_params import MovieId

router = APIRouter(tags=["clusters"], responses=describe_problems(503))


@router.get("/favorite-cluster", responses=describe_problems(404))
def favorite_cluster(bundle: TheBundle, companion: TheCompanion, user_id: UserIdQuery) -> FavoriteCluster:
    """The cluster with most of the user's ratings; of equal ones the larger. 404 for a user without ratings."""
    number = companion.clusters.find_favourite_cluster(list(get_rated_movie_ids(bundle, user_id)))
    if number is None:
        raise HTTPException(404, f"user {user_id} has rated no movie in any cluster and has no favourite cluster")
    return FavoriteCluster(favorite_cluster=number)


@router.get("/recommend", responses=describe_problems(404))
def recommend_from_cluster(
    bundle: TheBundle,
    companion: TheCompanion,
    *,
    movie_id: Annotated[MovieId | None, Query(examples=[1], description="or `anime_id`, which means the same")] = None,
    anime_id: Annotated[MovieId | None, Query(examples=[1])] = None,
    top_n: ResultCount = 10,
    offset: ListOffset = 0,
) -> OfCluster:
    """The other movies of the movie's cluster, by number of ratings, then by mean rating."""
    asked = anime_id if movie_id is None else movie_id
    if asked is None:
        raise build_parameter_error("movie_id", "movie_id or anime_id is required")
    movie = require_movie(bundle, asked)
    chosen = recommendations.recommend_from_same_cluster(bundle, companion, movie, n=count_needed(offset, top_n))
    page = take_page(chosen, offset)
    return OfCluster.from_movies(page, movie_id=asked, cluster=companion.clusters.find_cluster(asked))


@router.get("/recommend-by-tags")
def recommend_by_tags(
    bundle: TheBundle, companion: TheCompanion, user_id: UserIdQuery, top_n: ResultCount = 10, offset: ListOffset = 0
) -> ByWords:
    """Unseen movies with the popular tags of the user's favorite cluster.

    If the cluster has no tags, its genres are used; `kind` and `model` say which. A user without ratings gets popular
    movies.
    """
    seen = list(get_rated_movie_ids(bundle, user_id))
    number = companion.clusters.find_favourite_cluster(seen)
    cluster = None if number is None else companion.clusters.clusters[number]
    chosen = recommendations.recommend_by_cluster_words(bundle, cluster, seen=seen, n=count_needed(offset, top_n))
    return ByWords.from_movies(
        take_page(chosen, offset),
        user_id=user_id,
        favorite_cluster=number,
        kind=cluster.kind if cluster else None,
        words=cluster.words if cluster else [],
    )
