"""One way of choosing movies at a time: what the endpoints of the JSON API read from bundle and companion."""

from collections.abc import Iterable

import numpy as np

from movierec.catalog import Movie
from movierec.cluster_index import Cluster
from movierec.companion import Companion
from movierec.content import Content
from movierec.interactions import UNKNOWN, top_unseen
from movierec.published import Bundle
from movierec.recommender import FALLBACK
from serving.lookups import Chosen, known_movies, personal, rated_movies, row_of, similar

COLLABORATIVE, SESSION = "ials", "transitions"  # channels of the retrieval
CONTENT, CLUSTER = "content", "cluster"


def for_user(bundle: Bundle, user_id: int, *, n: int, explain: bool = False) -> Chosen:
    """What the whole recommender says; popular movies where it has none left, as for who has seen them all."""
    found = personal(bundle, user_id, n=n, explain=explain)
    return found if found.movies else popular(bundle, without=list(rated_movies(bundle, user_id)), n=n)


def by_channel(bundle: Bundle, name: str, user_id: int, *, n: int) -> Chosen:
    """The channel's best unseen movies; popular ones, and a model that says so, for a user without ratings.

    Where the bundle was published without that channel the whole recommender answers, under its own name.
    """
    recommender = bundle.recommender
    row = row_of(bundle, user_id)
    channel = recommender.retrieval.models.get(name)
    if row is None or channel is None:
        return for_user(bundle, user_id, n=n)
    columns, scores = top_unseen(channel.score, recommender.interactions, np.array([row]), n=n)
    reached = (columns[0] != UNKNOWN) & (scores[0] != 0 if name == SESSION else True)
    if not reached.any():
        return popular(bundle, without=list(rated_movies(bundle, user_id)), n=n)
    movie_ids = recommender.interactions.movie_ids[columns[0][reached]]
    return known_movies(bundle, name, movie_ids.tolist(), scores[0][reached].tolist())


def by_content(bundle: Bundle, content: Content | None, movie: Movie, *, n: int) -> Chosen:
    """The movies nearest in genres, time and tags; neighbours by ratings, then popular ones, where there are none."""
    if content is not None:
        movie_ids, cosines = content.nearest(movie.movie_id, n=n)
        found = known_movies(bundle, CONTENT, movie_ids.tolist(), cosines.tolist())
        if found.movies:
            return found
    found = similar(bundle, movie.movie_id, n=n)
    return found if found.movies else popular(bundle, without=[movie.movie_id], n=n)


def of_the_same_cluster(bundle: Bundle, companion: Companion, movie: Movie, *, n: int) -> Chosen:
    """The other movies of the movie's cluster by number of ratings, then mean; popular ones where it has none."""
    number = companion.clusters.cluster_of(movie.movie_id)
    members: Iterable[int] = [] if number is None else companion.clusters.clusters[number].movie_ids
    return first_of(bundle, CLUSTER, members, without=[movie.movie_id], n=n)


def by_words(bundle: Bundle, cluster: Cluster | None, *, seen: list[int], n: int) -> Chosen:
    """Unseen movies with the cluster's words: its tags, or its genres where it has none; popular ones without one."""
    if cluster is None:
        return popular(bundle, without=seen, n=n)
    return first_of(bundle, f"cluster_{cluster.kind}", cluster.by_words, without=seen, n=n)


def first_of(bundle: Bundle, model: str, movie_ids: Iterable[int], *, without: list[int], n: int) -> Chosen:
    """The first `n` that the catalogue has and that are not `without`; popular movies where none is left."""
    left_out, by_id = set(without), bundle.catalog.by_id
    found: list[Movie] = []
    for movie_id in movie_ids:
        if len(found) == n:
            break
        movie = by_id.get(int(movie_id))
        if movie is not None and movie.movie_id not in left_out:
            found.append(movie)
    return Chosen(model, found, []) if found else popular(bundle, without=without, n=n)


def popular(bundle: Bundle, *, without: list[int], n: int) -> Chosen:
    """Popular movies but for those `without`; where none is left, others of the catalogue; where all are `without`,
    the popular ones all the same."""
    found = bundle.recommender.popular_in((), n=n, without=without)
    chosen = known_movies(bundle, FALLBACK, found.movie_ids, found.scores)
    if chosen.movies:
        return chosen
    left_out, movies = set(without), bundle.catalog.movies
    others = [movie for movie in movies if movie.movie_id not in left_out][:n] or list(movies[:n])
    return Chosen(FALLBACK, others, [movie.popularity or 0.0 for movie in others])
