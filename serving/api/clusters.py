"""JSON: what the clusters of movies say of users and movies."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from serving.api.movies import Limit, OfUser, known
from serving.api.response_models import ByWords, FavoriteCluster, OfCluster
from serving.services import recommendations
from serving.services.recommendations import rated_movies
from serving.web.dependencies import TheBundle, TheCompanion
from serving.web.problems import responses, wrong_parameter
from serving.web.query_params import MovieId

router = APIRouter(tags=["clusters"], responses=responses(503))


@router.get("/favorite-cluster", responses=responses(404))
def favorite_cluster(bundle: TheBundle, companion: TheCompanion, user_id: OfUser) -> FavoriteCluster:
    """The cluster that most of the user's ratings are in; of equal ones the larger. 404 for a user without ratings."""
    number = companion.clusters.favourite(list(rated_movies(bundle, user_id)))
    if number is None:
        raise HTTPException(404, f"user {user_id} has rated no movie in any cluster and has no favourite cluster")
    return FavoriteCluster(favorite_cluster=number)


@router.get("/recommend", responses=responses(404))
def recommend_from_cluster(
    bundle: TheBundle,
    companion: TheCompanion,
    movie_id: Annotated[MovieId | None, Query(examples=[1], description="or `anime_id`, which means the same")] = None,
    anime_id: Annotated[MovieId | None, Query(examples=[1])] = None,
    top_n: Limit = 10,
) -> OfCluster:
    """The other movies of the movie's cluster, by number of ratings and mean."""
    asked = anime_id if movie_id is None else movie_id
    if asked is None:
        raise wrong_parameter("movie_id", "movie_id or anime_id is required")
    movie = known(bundle, asked)
    chosen = recommendations.of_the_same_cluster(bundle, companion, movie, n=top_n)
    return OfCluster.of(chosen, movie_id=asked, cluster=companion.clusters.cluster_of(asked))


@router.get("/recommend-by-tags")
def recommend_by_tags(bundle: TheBundle, companion: TheCompanion, user_id: OfUser, top_n: Limit = 10) -> ByWords:
    """Unseen movies with the popular tags of the user's favourite cluster.

    Where it has no tags, as in a data set without any, they are chosen by its genres, and `kind` and `model` say so.
    A user without ratings gets the popular movies.
    """
    seen = list(rated_movies(bundle, user_id))
    number = companion.clusters.favourite(seen)
    cluster = None if number is None else companion.clusters.clusters[number]
    chosen = recommendations.by_words(bundle, cluster, seen=seen, n=top_n)
    return ByWords.of(
        chosen,
        user_id=user_id,
        favorite_cluster=number,
        kind=cluster.kind if cluster else None,
        words=cluster.words if cluster else [],
    )
