"""The JSON twin of the search page."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator
from starlette.requests import Request

from movierec.search.browser import Browser, Sort
from movierec.search.filter_tree import FilterError, write_top
from movierec.search.title_index import State
from serving.api.movies import Limit
from serving.api.response_models import MovieOut
from serving.services.search_query import MAX_QUERY, ONLY, asked, root
from serving.web.dependencies import TheBundle
from serving.web.problems import wrong_parameter
from serving.web.visitor_lists import my_sets

router = APIRouter(tags=["movies"])

CURSOR = re.compile(r"([0-9a-f]{16})\.([0-9]{1,10})")
CHOICES = {"genre_mode": ("any", "all"), "only": ONLY}
EXAMPLE_FILTER = 'or(genre:Sci-Fi,tag:"time travel"),year:1990..1999,not(mean_rating:..3)'


def described(name: str, about: str, example: Any, *, many: bool = False, **schema: Any) -> dict[str, Any]:
    """A parameter that is read out of the address as the search page reads it."""
    one = {"type": "string"} | schema
    shape = {"type": "array", "items": one, "examples": [[example]]} if many else one | {"examples": [example]}
    return {"name": name, "in": "query", "required": False, "description": about, "schema": shape}


PANEL = [
    described("filter", "conditions, see docs/web.md", EXAMPLE_FILTER),
    described("genre", "of these genres", "Comedy", many=True),
    described("genre_mode", "whether one genre is enough or all are wanted", "all", enum=[*CHOICES["genre_mode"]]),
    described("decade", "of these decades", "1990", many=True),
    described("year_from", "of this year or later", 1990, type="integer"),
    described("year_to", "of this year or earlier", 1999, type="integer"),
    described("rating_min", "with this mean rating or a better one", 3.5, type="number"),
    described("ratings_min", "with so many ratings or more", 50, type="integer"),
    described("tag", "with all of these tags", "time travel", many=True),
    described(
        "only", "what the visitor has on the site, or has a poster", "unseen", many=True, enum=[*CHOICES["only"]]
    ),
]


class MoviesAnswer(BaseModel):
    """`total` counts all movies found. `next_cursor` is null where there are no more.

    `matched` is `similar` where typing errors had to be allowed for, `partial` where no movie has all words of `q`;
    `meant` is `q` with its unknown words replaced.
    """

    total: int
    limit: int
    sort: Sort
    filter: str
    matched: State
    meant: str | None
    movies: list[MovieOut]
    next_cursor: str | None


@router.get("/api/movies", openapi_extra={"parameters": PANEL})
def search_movies(
    request: Request,
    bundle: TheBundle,
    *,
    q: Annotated[str, Query(max_length=MAX_QUERY, examples=["heat 1995"], description="words of a title")] = "",
    sort: Annotated[
        Sort | None,
        BeforeValidator(lambda given: given or None),
        Query(examples=["year"], description="relevance with `q`, popularity without"),
    ] = None,
    limit: Limit = 20,
    cursor: Annotated[str, Query(max_length=100, examples=[""], description="`next_cursor` of the answer before")] = "",
) -> MoviesAnswer:
    """Search and filter the catalogue, a page at a time.

    The query of the search page's address works here as it is; `filter` in the answer is all of it but the words.
    """
    browser = bundle.browser
    for name, choices in CHOICES.items():
        if not {value.strip() for value in request.query_params.getlist(name)} <= {"", *choices}:
            raise wrong_parameter(name, f"must be one of {', '.join(choices)}")
    wanted = asked([pair for pair in request.query_params.multi_items() if pair[0] not in {"q", "sort"}])
    for fault in wanted.faults:
        raise wrong_parameter(fault.where, str(fault.error))
    tree = root(wanted.whole().parts)
    try:
        mask = browser.columns.matching(tree, my_sets(request))
    except FilterError as error:
        raise wrong_parameter("filter", str(error)) from None
    order: Sort = sort or ("relevance" if q.strip() else "popularity")
    hits = browser.hits(q)
    rows = browser.ordered(hits.mask & mask, hits, order)
    search = digest(q, write_top(tree), order)
    start = browser.after(rows, row_of(browser, cursor, search), hits, order) if cursor else 0
    shown = rows[start : start + limit]
    more = start + limit < len(rows)
    return MoviesAnswer(
        total=len(rows),
        limit=limit,
        sort=order,
        filter=write_top(tree),
        matched=hits.state,
        meant=hits.meant,
        movies=[MovieOut.of(browser.movies[row]) for row in shown],
        next_cursor=cursor_of(search, browser.movies[shown[-1]].movie_id) if more else None,
    )


def digest(*search: str) -> str:
    """Which search a cursor belongs to."""
    return hashlib.blake2b(json.dumps(search).encode(), digest_size=8).hexdigest()


def cursor_of(search: str, movie_id: int) -> str:
    """It names the last movie, so movies that come or go do not shift the next page."""
    return urlsafe_b64encode(f"{search}.{movie_id}".encode()).decode().rstrip("=")


def row_of(browser: Browser, cursor: str, search: str) -> int:
    """The row of the movie that `cursor` names. Raises a 422 for one of another search, or of no movie."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    named = CURSOR.fullmatch(text)
    start_anew = "leave it out to start from the first movie"
    if named is None or named[1] != search:
        raise wrong_parameter("cursor", f"this cursor belongs to another search; {start_anew}")
    if int(named[2]) not in browser.columns.rows:
        raise wrong_parameter("cursor", f"the last movie of the page before is not in the catalogue; {start_anew}")
    return browser.columns.rows[int(named[2])]
