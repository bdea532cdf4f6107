"""What pages and their JSON twins read from a bundle."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from movierec.bundles.bundle import Bundle
from movierec.bundles.companion import Companion
from movierec.catalog.catalog import Movie
from movierec.catalog.cluster_index import Cluster
from movierec.data.interactions import UNKNOWN
from movierec.data.schema import RELEVANT
from movierec.data.top_k import top_unseen
from movierec.features.content import Content
from movierec.recommender.explanations import Explanation
from movierec.recommender.two_stage import FALLBACK
from serving.services.taste import Taste, liked_movies, tastes

log = logging.getLogger(__name__)


NOBODY = 2**31  # ids are int32, so this is no user's
TYPICAL_RATINGS = 200  # enough to know a user by, few enough to leave well-known movies to recommend


class Chosen(NamedTuple):
    """Movies for somebody or something, best first, with their scores, and the model that chose them.

    `explanations` by movie_id, where they were asked for.
    """

    model: str
    movies: list[Movie]
    scores: list[float]
    explanations: Mapping[int, Explanation] = {}


class User(NamedTuple):
    user_id: int
    n_ratings: int
    taste: Taste = Taste(None, None)


def personal(bundle: Bundle, user_id: int, *, n: int, explain: bool = False, without: Collection[int] = ()) -> Chosen:
    """Recommendations for one user, none of the movie ids `without`.

    Popular movies, and a model that says so, where the user is unknown.
    """
    found = bundle.recommender.for_user(min(user_id, NOBODY), n=n, explain=explain, without=without)
    chosen = known_movies(bundle, found.model, found.movie_ids, found.scores)
    return chosen._replace(explanations=found.explanations)


def similar(bundle: Bundle, movie_id: int, *, n: int) -> Chosen:
    found = bundle.similar.similar_to(movie_id, n=n)
    return known_movies(bundle, found.model, found.movie_ids, found.scores)


def n_ratings(bundle: Bundle, user_id: int) -> int:
    """How many movies a user has rated; 0 for an unknown one."""
    return len(rated_movies(bundle, user_id))


def rated_movies(bundle: Bundle, user_id: int) -> set[int]:
    """The ids of the movies a user has rated; none for an unknown user."""
    interactions = bundle.recommender.interactions
    row = row_of(bundle, user_id)
    return set() if row is None else set(interactions.movie_ids[interactions.seen(row)].tolist())


def liked_by(bundle: Bundle, user_id: int) -> list[Movie]:
    """The movies a user liked, the one rated last first; none for an unknown user."""
    row = row_of(bundle, user_id)
    return [] if row is None else liked_movies(bundle, row)


def row_of(bundle: Bundle, user_id: int) -> int | None:
    """Of a user in the interactions, None for an unknown one."""
    row = int(bundle.recommender.interactions.rows_of([min(user_id, NOBODY)])[0])
    return None if row == UNKNOWN else row


def preset_users(bundle: Bundle) -> list[User]:
    """Three users to try the site as: of each third of the ids the one nearest to TYPICAL_RATINGS."""
    interactions = bundle.recommender.interactions
    counts = np.diff(interactions.user_items.indptr)
    rows = [
        int(third[np.abs(counts[third] - TYPICAL_RATINGS).argmin()])
        for third in np.array_split(np.arange(len(counts)), 3)
        if len(third)
    ]
    return [
        User(int(interactions.user_ids[row]), int(counts[row]), taste)
        for row, taste in zip(rows, tastes(bundle, rows), strict=True)
    ]


def known_movies(bundle: Bundle, model: str, movie_ids: list[int], scores: list[float]) -> Chosen:
    """The catalogue may lack a movie that people rated; such a one is left out."""
    by_id = bundle.catalog.by_id
    known = [(by_id[i], score) for i, score in zip(movie_ids, scores, strict=True) if i in by_id]
    return Chosen(model, [movie for movie, _ in known], [score for _, score in known])


def liked_in(bundle: Bundle, ratings: Sequence[tuple[int, float]]) -> list[Movie]:
    """The movies of the catalogue that were liked, the one rated last first."""
    by_id = bundle.catalog.by_id
    return [by_id[movie_id] for movie_id, rating in reversed(ratings) if rating >= RELEVANT and movie_id in by_id]


def because_of(bundle: Bundle, ratings: Sequence[tuple[int, float]], movie: Movie) -> list[Movie]:
    """The rated movies that speak most for this one; none where it is rated itself, or nothing speaks for it.

    Never raises: a page without the reason is still a page.
    """
    if not ratings or movie.movie_id in {movie_id for movie_id, _ in ratings}:
        return []
    try:
        movie_ids, stars = zip(*ratings, strict=True)
        speaking = bundle.recommender.because_of(movie_ids, stars, movie.movie_id)
    except Exception:
        log.exception("movie %s is not explained from bundle %s", movie.movie_id, bundle.version)
        return []
    return bundle.catalog.known(speaking)


def personal_for(bundle: Bundle, ratings: list[tuple[int, float]], *, n: int, without: Collection[int] = ()) -> Chosen:
    """Folded in: nothing is trained, so the next rating counts in the next answer. None of the ids `without`."""
    movie_ids, stars = [movie_id for movie_id, _ in ratings], [rating for _, rating in ratings]
    found = bundle.recommender.for_ratings(movie_ids, stars, n=n, without=without)
    return known_movies(bundle, found.model, found.movie_ids, found.scores)


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
