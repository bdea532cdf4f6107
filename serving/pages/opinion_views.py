"""The data of partials/actions.html and partials/reviews.html."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request

from movierec.catalog.catalog import Movie
from serving.community import opinions
from serving.community.database import SkipIfUnavailable
from serving.community.opinions import RATING_STEPS, Opinion, WrittenReview
from serving.community.sessions import Visitor
from serving.web.rendering import Site

REVIEWS_PER_PAGE = 10
NO_RATING = "none"
RATINGS_BY_TEXT = {f"{stars:g}": stars for stars in RATING_STEPS}  # as forms send them
OUTCOMES: dict[str, Callable[[Opinion], bool]] = {  # what a form has done to an opinion, and what must hold afterwards
    "rated": lambda opinion: opinion.rating is not None,
    "unrated": lambda opinion: opinion.rating is None,
    "saved": lambda opinion: opinion.is_saved,
    "unsaved": lambda opinion: not opinion.is_saved,
    "watched": lambda opinion: opinion.is_watched,
    "unwatched": lambda opinion: not opinion.is_watched,
}


class ActionsView(NamedTuple):
    """The visitor's rating and marks on a movie, and the result of the last form.

    `said` is what was just done, `undo` the rating that the Undo button restores (empty: no button), `problem` why it
    failed. `is_known` is False if the database cannot be read.
    """

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
    """The visitor's own review."""

    text: str
    written_at: datetime
    edited_at: datetime | None


class ReviewsView(NamedTuple):
    """One page of other visitors' reviews, and the visitor's own.

    `draft` is a typed text that was not saved, None for none.
    """

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
        """The number of pages of other visitors' reviews, at least 1."""
        return max(1, -(-self.n_others // REVIEWS_PER_PAGE))


def load_actions(request: Request, site: Site, movie: Movie, *, shows_move: bool = False) -> ActionsView:
    """The visitor's opinion of the movie. `shows_move` adds the link to the movie's own page, for the overlay."""
    visitor = site.community.get_visitor(request)
    found = ActionsView(movie, visitor, Opinion(), is_known=visitor.state != "unknown", shows_move=shows_move)
    if visitor.profile is None:
        return found
    unread = SkipIfUnavailable(f"no opinion on movie {movie.movie_id}")
    with unread, site.community.database.read_transaction() as session:
        return found._replace(opinion=opinions.load_opinion(session, visitor.profile.id, movie.movie_id))
    return found._replace(is_known=False)


def load_reviews(request: Request, site: Site, movie: Movie, *, number: int = 1) -> ReviewsView:
    """Page `number` of other visitors' reviews, newest first, and the visitor's own."""
    visitor = site.community.get_visitor(request)
    me = visitor.profile.id if visitor.profile else None
    found = ReviewsView(movie, visitor, number=number)
    unread = SkipIfUnavailable(f"no reviews of movie {movie.movie_id}")
    with unread, site.community.database.read_transaction() as session:
        own = opinions.find_review(session, me, movie.movie_id) if me else None
        others = opinions.list_reviews(
            session,
            movie.movie_id,
            excluded_profile=me,
            limit=REVIEWS_PER_PAGE,
            offset=(number - 1) * REVIEWS_PER_PAGE,
        )
        return found._replace(
            mine=OwnReview(own.text, own.written_at, own.edited_at) if own else None,
            others=tuple(others),
            n_others=opinions.count_reviews(session, movie.movie_id, excluded_profile=me),
            is_known=visitor.state != "unknown",
        )
    return found._replace(is_known=False)


def with_outcome(actions: ActionsView, *, said: str, was: str) -> ActionsView:
    """Adds the outcome that the page's URL reports (`said`, `was`), after a form without JavaScript.

    Nothing is added that the visitor's opinion does not bear out: anybody can be given such a URL.
    """
    holds = OUTCOMES.get(said)
    if holds is None or actions.visitor.profile is None or not holds(actions.opinion):
        return actions
    before = NO_RATING if was == NO_RATING else RATINGS_BY_TEXT.get(was)
    now = NO_RATING if actions.opinion.rating is None else actions.opinion.rating
    has_undo = said in {"rated", "unrated"} and before is not None and before != now
    return actions._replace(said=said, undo=was if has_undo else "")


def with_review_outcome(reviews: ReviewsView, *, said: str) -> ReviewsView:
    """Adds the outcome that the page's URL reports, if it is of a review and the visitor's review bears it out."""
    is_there = {"reviewed": True, "unreviewed": False}.get(said)
    holds = reviews.visitor.profile is not None and is_there == (reviews.mine is not None)
    return reviews._replace(said=said if holds else "")
