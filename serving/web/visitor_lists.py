"""The visitor's own ratings and lists, and recommendations from those ratings."""

from collections.abc import Collection

from starlette.requests import Request

from movierec.search.filter_masks import MovieSets
from serving.community import opinions
from serving.community.database import SkipIfUnavailable
from serving.web.rendering import Site, get_site


def load_my_ratings(request: Request, site: Site) -> list[tuple[int, float]] | None:
    """`(movie_id, rating)`, oldest first; empty without a profile, None if they cannot be read."""
    visitor = site.community.get_visitor(request)
    if visitor.profile is None:
        return None if visitor.state == "unknown" else []
    with SkipIfUnavailable("no ratings of a profile"), site.community.database.read_transaction() as session:
        return opinions.list_ratings(session, visitor.profile.id)
    return None


def load_filter_sets(request: Request) -> MovieSets:
    """Sets of movie ids that filters can use, by name.

    "poster": movies with a fetched poster, if there are any. "seen" and "saved": the visitor's watched and saved
    movies, if the visitor has a profile.
    """
    with_poster = get_site(request).image_store.descriptions().movies_with_poster
    return ({"poster": with_poster} if with_poster else {}) | load_my_lists(request)


def load_my_lists(request: Request) -> dict[str, Collection[int]]:
    """The ids of the visitor's "seen" and "saved" movies; empty without a profile or if they cannot be read."""
    people = get_site(request).community
    visitor = people.get_visitor(request)
    if visitor.profile is None:
        return {}
    with SkipIfUnavailable("no lists of a profile to filter by"), people.database.read_transaction() as session:
        seen, saved = opinions.load_seen_and_saved(session, visitor.profile.id)
        return {"seen": seen, "saved": saved}
    return {}


def my_seen(request: Request) -> Collection[int]:
    """The ids of the movies that the visitor has watched or rated; none where they cannot be read."""
    return load_my_lists(request).get("seen", ())
