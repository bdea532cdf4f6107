"""A visitor's own ratings, and what is recommended by them alone."""

import logging
from collections.abc import Collection

from starlette.requests import Request

from movierec.search.filter_masks import Sets
from serving.community import opinions
from serving.community.database import Unavailable
from serving.web.rendering import Site, site_of

log = logging.getLogger(__name__)


def my_ratings(request: Request, site: Site) -> list[tuple[int, float]] | None:
    """`(movie_id, rating)`, oldest first; none for nobody, None where they cannot be read."""
    visitor = site.people.visitor(request)
    if visitor.profile is None:
        return None if visitor.state == "unknown" else []
    try:
        with site.people.database.reading() as session:
            return opinions.ratings_of(session, visitor.profile.id)
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
            seen, saved = opinions.seen_and_saved(session, visitor.profile.id)
    except Unavailable as error:
        log.error("no lists of a profile to filter by: %s", error)  # noqa: TRY400
        return {}
    return {"seen": seen, "saved": saved}


def my_seen(request: Request) -> Collection[int]:
    """The ids of the movies that the visitor has watched or rated; none where they cannot be read."""
    return lists_of(request).get("seen", ())
