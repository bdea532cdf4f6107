"""A visitor's own ratings, and what is recommended by them alone."""

import logging
from collections.abc import Collection, Sequence

from starlette.requests import Request

from movierec.catalog import Movie
from movierec.matching import Sets
from movierec.published import Bundle
from movierec.ranking import RELEVANT
from serving.deps import Site, site_of
from serving.lookups import Chosen, known_movies
from serving.people import feedback
from serving.people.database import Unavailable

log = logging.getLogger(__name__)


def my_ratings(request: Request, site: Site) -> list[tuple[int, float]] | None:
    """`(movie_id, rating)`, oldest first; none for nobody, None where they cannot be read."""
    visitor = site.people.visitor(request)
    if visitor.profile is None:
        return None if visitor.state == "unknown" else []
    try:
        with site.people.database.reading() as session:
            return feedback.ratings_of(session, visitor.profile.id)
    except Unavailable as error:
        log.error("no ratings of a profile: %s", error)  # noqa: TRY400
        return None


def my_sets(request: Request) -> Sets:
    """What can be filtered by: movies with a fetched "poster", where there are any; those that the visitor has watched
    ("seen") and saved, for who has a profile."""
    with_poster = site_of(request).pictures.descriptions().with_poster
    return ({"poster": with_poster} if with_poster else {}) | lists_of(request)


def lists_of(request: Request) -> dict[str, Collection[int]]:
    people = site_of(request).people
    visitor = people.visitor(request)
    if visitor.profile is None:
        return {}
    try:
        with people.database.reading() as session:
            seen, saved = feedback.seen_and_saved(session, visitor.profile.id)
    except Unavailable as error:
        log.error("no lists of a profile to filter by: %s", error)  # noqa: TRY400
        return {}
    return {"seen": seen, "saved": saved}


def my_seen(request: Request) -> Collection[int]:
    """The ids of the movies that the visitor has watched or rated; none where they cannot be read."""
    return lists_of(request).get("seen", ())


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
