"""What partials/actions.html and partials/reviews.html need: a movie, who asks, and what was said of it."""

import logging
from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request

from movierec.catalog.catalog import Movie
from serving.community import opinions
from serving.community.database import Unavailable
from serving.community.opinions import STARS, Opinion, WrittenReview
from serving.community.sessions import Visitor
from serving.web.rendering import Site

log = logging.getLogger(__name__)

PER_PAGE = 10
NO_RATING = "none"
RATINGS = {f"{stars:g}": stars for stars in STARS}  # as forms send them
SAID = ("rated", "unrated", "saved", "unsaved", "watched", "unwatched", "reviewed", "unreviewed")


class Actions(NamedTuple):
    """`undo` is the rating that Undo posts, empty for no Undo; `said` is what has just been done, `problem` what
    has not; `is_known` is False where the database cannot tell."""

    movie: Movie
    visitor: Visitor
    opinion: Opinion
    is_known: bool = True
    shows_move: bool = False
    said: str = ""
    undo: str = ""
    problem: str = ""
    seconds: int = 0


class OwnReview(NamedTuple):
    text: str
    written_at: datetime
    edited_at: datetime | None


class Reviews(NamedTuple):
    """`draft` is what somebody typed that is not kept yet, None for nothing."""

    movie: Movie
    visitor: Visitor
    mine: OwnReview | None = None
    others: tuple[WrittenReview, ...] = ()
    n_others: int = 0
    number: int = 1
    is_known: bool = True
    draft: str | None = None
    said: str = ""
    problem: str = ""
    seconds: int = 0

    @property
    def n_pages(self) -> int:
        return max(1, -(-self.n_others // PER_PAGE))


def actions_of(request: Request, site: Site, movie: Movie, *, shows_move: bool = False) -> Actions:
    """`shows_move`: with the link to the movie's own page, for the overlay."""
    visitor = site.people.visitor(request)
    found = Actions(movie, visitor, Opinion(), is_known=visitor.state != "unknown", shows_move=shows_move)
    if visitor.profile is None:
        return found
    try:
        with site.people.database.reading() as session:
            return found._replace(opinion=opinions.opinion(session, visitor.profile.id, movie.movie_id))
    except Unavailable as error:
        log.error("no opinion on movie %s: %s", movie.movie_id, error)  # noqa: TRY400
        return found._replace(is_known=False)


def reviews_of(request: Request, site: Site, movie: Movie, *, number: int = 1) -> Reviews:
    """Page `number` of other people's reviews, and one's own."""
    visitor = site.people.visitor(request)
    me = visitor.profile.id if visitor.profile else None
    found = Reviews(movie, visitor, number=number)
    try:
        with site.people.database.reading() as session:
            own = opinions.own_review(session, me, movie.movie_id) if me else None
            others = opinions.reviews_of(
                session, movie.movie_id, but=me, limit=PER_PAGE, offset=(number - 1) * PER_PAGE
            )
            return found._replace(
                mine=OwnReview(own.text, own.written_at, own.edited_at) if own else None,
                others=tuple(others),
                n_others=opinions.n_reviews(session, movie.movie_id, but=me),
                is_known=visitor.state != "unknown",
            )
    except Unavailable as error:
        log.error("no reviews of movie %s: %s", movie.movie_id, error)  # noqa: TRY400
        return found._replace(is_known=False)


def told(actions: Actions, *, said: str, was: str) -> Actions:
    """With what the address of the page says was done: it is how a form without JavaScript hears of it."""
    return actions._replace(
        said=said if said in SAID else "", undo=was if said in SAID and was in {*RATINGS, NO_RATING} else ""
    )
