"""Queries of a bundle for pages and JSON routes, and the types of ids in query parameters."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from movierec.bundles.bundle import Bundle
from movierec.bundles.companion import Companion
from movierec.candidates.base import find_top_columns
from movierec.catalog.catalog import Movie
from movierec.catalog.cluster_index import Cluster
from movierec.data.interactions import UNKNOWN
from movierec.data.schema import RELEVANT
from movierec.features.content import ContentVectors
from movierec.recommender.explanations import Explanation
from movierec.recommender.recommendations import POPULARITY_FALLBACK
from serving.services.taste import Taste, find_tastes, list_liked_by_row

log = logging.getLogger(__name__)


MAX_PLACES = 100  # of a list of recommendations: so many candidates are ranked
UNKNOWN_USER_ID = 2**31  # ids are int32, so this is no user's
TYPICAL_N_RATINGS = 200  # enough to know a user by, few enough to leave well-known movies to recommend


class MovieList(NamedTuple):
    """Movies, best first, with their scores and the name of the model that chose them.

    `explanations` are by movie_id, empty if they were not requested. `offset` is how many better ones were left out.
    """

    model: str
    movies: list[Movie]
    scores: list[float]
    explanations: Mapping[int, Explanation] = {}
    offset: int = 0

    def skip(self, n: int) -> "MovieList":
        """The list without its first `n` movies."""
        return self._replace(movies=self.movies[n:], scores=self.scores[n:], offset=self.offset + n)


class UserSummary(NamedTuple):
    """A user of the data set with the number of their ratings and what they like."""

    user_id: int
    n_ratings: int
    taste: Taste = Taste(None, None)


def recommend_for_user(
    bundle: Bundle, user_id: int, *, n: int, explain: bool = False, without: Collection[int] = ()
) -> MovieList:
    """Recommendations for a user; popular movies for an unknown user, which `model` then says."""
    found = bundle.recommender.recommend_for_user(
        min(user_id, UNKNOWN_USER_ID), n=n, depth=MAX_PLACES, explain=explain, without=without
    )
    chosen = resolve_movies(bundle, found.model, found.movie_ids, found.scores)
    return chosen._replace(explanations=found.explanations)


def find_similar_movies(bundle: Bundle, movie_id: int, *, n: int) -> MovieList:
    """The `n` movies most similar to one, nearest first."""
    found = bundle.similar.find_similar_movies(movie_id, n=n)
    return resolve_movies(bundle, found.model, found.movie_ids, found.scores)


def count_ratings(bundle: Bundle, user_id: int) -> int:
    """The number of movies that the user has rated; 0 for an unknown user."""
    return len(get_rated_movie_ids(bundle, user_id))


def get_rated_movie_ids(bundle: Bundle, user_id: int) -> set[int]:
    """The ids of the movies that the user has rated; empty for an unknown user."""
    interactions = bundle.recommender.interactions
    row = find_user_row(bundle, user_id)
    return set() if row is None else set(interactions.movie_ids[interactions.get_seen_columns(row)].tolist())


def list_liked_by_user(bundle: Bundle, user_id: int) -> list[Movie]:
    """The movies that the user liked, last rated first; empty for an unknown user."""
    row = find_user_row(bundle, user_id)
    return [] if row is None else list_liked_by_row(bundle, row)


def find_user_row(bundle: Bundle, user_id: int) -> int | None:
    """The user's row in the interactions, None for an unknown user."""
    row = int(bundle.recommender.interactions.find_user_rows([min(user_id, UNKNOWN_USER_ID)])[0])
    return None if row == UNKNOWN else row


def choose_preset_users(bundle: Bundle) -> list[UserSummary]:
    """Three example users: from each third of the ids the one with a number of ratings nearest TYPICAL_N_RATINGS."""
    interactions = bundle.recommender.interactions
    counts = np.diff(interactions.user_items.indptr)
    rows = [
        int(third[np.abs(counts[third] - TYPICAL_N_RATINGS).argmin()])
        for third in np.array_split(np.arange(len(counts)), 3)
        if len(third)
    ]
    return [
        UserSummary(int(interactions.user_ids[row]), int(counts[row]), taste)
        for row, taste in zip(rows, find_tastes(bundle, rows), strict=True)
    ]


def resolve_movies(bundle: Bundle, model: str, movie_ids: list[int], scores: list[float]) -> MovieList:
    """Turns movie ids into a list of movies; leaves out ids that the catalogue does not have."""
    by_id = bundle.catalogue.by_id
    known = [(by_id[i], score) for i, score in zip(movie_ids, scores, strict=True) if i in by_id]
    return MovieList(model, [movie for movie, _ in known], [score for _, score in known])


def list_liked_in_ratings(bundle: Bundle, ratings: Sequence[tuple[int, float]]) -> list[Movie]:
    """The liked movies of the catalogue, last rated first."""
    by_id = bundle.catalogue.by_id
    return [by_id[movie_id] for movie_id, rating in reversed(ratings) if rating >= RELEVANT and movie_id in by_id]


def find_influential_movies(bundle: Bundle, ratings: Sequence[tuple[int, float]], movie: Movie) -> list[Movie]:
    """The rated movies that led most to this recommendation; empty if the movie is rated itself.

    Never raises: errors are logged, and the page is shown without a reason.
    """
    if not ratings or movie.movie_id in {movie_id for movie_id, _ in ratings}:
        return []
    try:
        movie_ids, stars = zip(*ratings, strict=True)
        speaking = bundle.recommender.influential_ratings(movie_ids, stars, movie.movie_id)
    except Exception:
        log.exception("movie %s is not explained from bundle %s", movie.movie_id, bundle.version)
        return []
    return bundle.catalogue.find_movies(speaking)


def recommend_from_ratings(
    bundle: Bundle, ratings: list[tuple[int, float]], *, n: int, without: Collection[int] = ()
) -> MovieList:
    """Recommendations for a new user with these ratings (fold-in).

    Nothing is trained, so each new rating counts at once.
    """
    movie_ids, stars = [movie_id for movie_id, _ in ratings], [rating for _, rating in ratings]
    found = bundle.recommender.recommend_from_ratings(movie_ids, stars, n=n, depth=MAX_PLACES, without=without)
    return resolve_movies(bundle, found.model, found.movie_ids, found.scores)


COLLABORATIVE_CHANNEL, SESSION_CHANNEL = "ials", "transitions"  # channels of the retrieval
CONTENT_MODEL, CLUSTER_MODEL = "content", "cluster"


def recommend_with_fallback(bundle: Bundle, user_id: int, *, n: int, explain: bool = False) -> MovieList:
    """Recommendations of the whole recommender; popular movies if it has none, as for a user who rated every movie."""
    found = recommend_for_user(bundle, user_id, n=n, explain=explain)
    return found if found.movies else recommend_popular(bundle, without=list(get_rated_movie_ids(bundle, user_id)), n=n)


def recommend_by_channel(bundle: Bundle, channel_name: str, user_id: int, *, n: int) -> MovieList:
    """The best unseen movies of one retrieval channel; popular movies for a user without ratings.

    If the bundle was published without that channel, the whole recommender answers. `model` says who chose.
    """
    recommender = bundle.recommender
    row = find_user_row(bundle, user_id)
    channel = recommender.retrieval.models.get(channel_name)
    if row is None or channel is None:
        return recommend_with_fallback(bundle, user_id, n=n)
    columns, scores = find_top_columns(channel, recommender.interactions, np.array([row]), n=n)
    reached = (columns[0] != UNKNOWN) & (scores[0] != 0 if channel_name == SESSION_CHANNEL else True)
    if not reached.any():
        return recommend_popular(bundle, without=list(get_rated_movie_ids(bundle, user_id)), n=n)
    movie_ids = recommender.interactions.movie_ids[columns[0][reached]]
    return resolve_movies(bundle, channel_name, movie_ids.tolist(), scores[0][reached].tolist())


def recommend_by_content(bundle: Bundle, content: ContentVectors | None, movie: Movie, *, n: int) -> MovieList:
    """The movies nearest in genres, year and tags; else similar ones by ratings; else popular ones."""
    if content is not None:
        movie_ids, cosines = content.find_nearest(movie.movie_id, n=n)
        found = resolve_movies(bundle, CONTENT_MODEL, movie_ids.tolist(), cosines.tolist())
        if found.movies:
            return found
    found = find_similar_movies(bundle, movie.movie_id, n=n)
    return found if found.movies else recommend_popular(bundle, without=[movie.movie_id], n=n)


def recommend_from_same_cluster(bundle: Bundle, companion: Companion, movie: Movie, *, n: int) -> MovieList:
    """The other movies of the movie's cluster by number of ratings, then by mean; popular ones if it has no cluster."""
    number = companion.clusters.find_cluster(movie.movie_id)
    members: Iterable[int] = [] if number is None else companion.clusters.clusters[number].movie_ids
    return pick_first_movies(bundle, CLUSTER_MODEL, members, without=[movie.movie_id], n=n)


def recommend_by_cluster_words(bundle: Bundle, cluster: Cluster | None, *, seen: list[int], n: int) -> MovieList:
    """Unseen movies with the cluster's words (tags, or genres if it has no tags); popular ones without a cluster."""
    if cluster is None:
        return recommend_popular(bundle, without=seen, n=n)
    return pick_first_movies(bundle, f"cluster_{cluster.kind}", cluster.movie_ids_by_words, without=seen, n=n)


def pick_first_movies(bundle: Bundle, model: str, movie_ids: Iterable[int], *, without: list[int], n: int) -> MovieList:
    """The first `n` of `movie_ids` that are in the catalogue and not in `without`; popular movies if none is left."""
    left_out, by_id = set(without), bundle.catalogue.by_id
    found: list[Movie] = []
    for movie_id in movie_ids:
        if len(found) == n:
            break
        movie = by_id.get(int(movie_id))
        if movie is not None and movie.movie_id not in left_out:
            found.append(movie)
    return MovieList(model, found, []) if found else recommend_popular(bundle, without=without, n=n)


def recommend_popular(bundle: Bundle, *, without: list[int], n: int) -> MovieList:
    """Popular movies that are not in `without`; if none is left, other movies of the catalogue.

    If all movies are in `without`, the first ones of the catalogue.
    """
    found = bundle.recommender.popular.recommend(n=n, without=without)
    chosen = resolve_movies(bundle, POPULARITY_FALLBACK, found.movie_ids, found.scores)
    if chosen.movies:
        return chosen
    left_out, movies = set(without), bundle.catalogue.movies
    others = [movie for movie in movies if movie.movie_id not in left_out][:n] or list(movies[:n])
    return MovieList(POPULARITY_FALLBACK, others, [movie.popularity or 0.0 for movie in others])
