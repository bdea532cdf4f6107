"""The JSON route that searches and filters movies with the parameters of the search page."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator
from starlette.requests import Request

from movierec.search.browser import Browser, SortOrder
from movierec.search.filter_tree import FilterError, write_filter_root
from movierec.search.title_index import MatchState
from serving.api.request_models import ResultCount
from serving.api.response_models import MovieOut
from serving.services.search import run_search
from serving.services.search_query import (
    MAX_QUERY_LENGTH,
    ONLY_CHOICES,
    QueryFault,
    join_conditions,
    parse_search_query,
)
from serving.web.dependencies import TheBundle
from serving.web.problems import build_parameter_error
from serving.web.visitor_lists import load_filter_sets

router = APIRouter(tags=["movies"])

CURSOR_PATTERN = re.compile(r"([0-9a-f]{16})\.([0-9]{1,10})")
PARAMETER_CHOICES = {"genre_mode": ("any", "all"), "only": ONLY_CHOICES}
EXAMPLE_FILTER = 'or(genre:Sci-Fi,tag:"time travel"),year:1990..1999,not(mean_rating:..3)'


def describe_parameter(
    name: str, description: str, example: Any, *, is_list: bool = False, **schema: Any
) -> dict[str, Any]:
    """The OpenAPI description of a parameter that the route reads from the URL itself."""
    one = {"type": "string"} | schema
    shape = {"type": "array", "items": one, "examples": [[example]]} if is_list else one | {"examples": [example]}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": shape}


PANEL_PARAMETERS = [
    describe_parameter("filter", "conditions, see docs/web.md", EXAMPLE_FILTER),
    describe_parameter("genre", "of these genres", "Comedy", is_list=True),
    describe_parameter(
        "genre_mode", "whether one genre is enough or all are wanted", "all", enum=[*PARAMETER_CHOICES["genre_mode"]]
    ),
    describe_parameter("decade", "of these decades", "1990", is_list=True),
    describe_parameter("year_from", "of this year or later", 1990, type="integer"),
    describe_parameter("year_to", "of this year or earlier", 1999, type="integer"),
    describe_parameter("rating_min", "with this mean rating or a better one", 3.5, type="number"),
    describe_parameter("ratings_min", "with so many ratings or more", 50, type="integer"),
    describe_parameter("tag", "with all of these tags", "time travel", is_list=True),
    describe_parameter(
        "only",
        "what the visitor has on the site, or has a poster",
        "unseen",
        is_list=True,
        enum=[*PARAMETER_CHOICES["only"]],
    ),
]


class MoviesAnswer(BaseModel):
    """One page of results. `total` counts all results; `next_cursor` is null on the last page.

    `matched` is `similar` if spelling errors were allowed for, `partial` if no movie has all words of `q`. `meant` is
    `q` with its unknown words replaced.
    """

    total: int
    limit: int
    sort: SortOrder
    filter: str
    matched: MatchState
    meant: str | None
    movies: list[MovieOut]
    next_cursor: str | None


@router.get("/api/movies", openapi_extra={"parameters": PANEL_PARAMETERS})
def search_movies(
    request: Request,
    bundle: TheBundle,
    *,
    q: Annotated[str, Query(max_length=MAX_QUERY_LENGTH, examples=["heat 1995"], description="words of a title")] = "",
    sort: Annotated[
        SortOrder | None,
        BeforeValidator(lambda given: given or None),
        Query(examples=["year"], description="relevance with `q`, popularity without"),
    ] = None,
    limit: ResultCount = 20,
    cursor: Annotated[str, Query(max_length=100, examples=[""], description="`next_cursor` of the answer before")] = "",
) -> MoviesAnswer:
    """Search and filter the catalogue, one page at a time.

    It takes the query of a search page's URL unchanged, but for `page`. `filter` in the answer is the whole query
    except the words.
    """
    browser = bundle.browser
    for name, choices in PARAMETER_CHOICES.items():
        if not {value.strip() for value in request.query_params.getlist(name)} <= {"", *choices}:
            raise build_parameter_error(name, f"must be one of {', '.join(choices)}")
    wanted = parse_search_query([pair for pair in request.query_params.multi_items() if pair[0] not in {"q", "sort"}])
    for fault in wanted.faults:
        raise build_parameter_error(fault.where, str(fault))
    wanted = wanted.replace(q=q, sort=sort)
    try:
        found = run_search(browser, wanted, load_filter_sets(request))
    except FilterError as error:
        raise build_parameter_error("filter", str(QueryFault("filter", error))) from None
    tree = write_filter_root(join_conditions(wanted.combine_filters().parts))
    search = hash_search(q, tree, found.sort)
    last = find_cursor_row(browser, cursor, search) if cursor else None
    start = 0 if last is None else browser.count_rows_up_to(found.rows, last, found.hits, found.sort)
    shown = found.list_movies(start, limit=limit)
    return MoviesAnswer(
        total=len(found.rows),
        limit=limit,
        sort=found.sort,
        filter=tree,
        matched=found.hits.state,
        meant=found.hits.corrected_query,
        movies=[MovieOut.from_movie(movie) for movie in shown],
        next_cursor=encode_cursor(search, shown[-1].movie_id) if start + limit < len(found.rows) else None,
    )


def hash_search(*search: str) -> str:
    """A hash that ties a cursor to its search."""
    return hashlib.blake2b(json.dumps(search).encode(), digest_size=8).hexdigest()


def encode_cursor(search: str, movie_id: int) -> str:
    """The cursor that continues after this movie.

    It names the movie, so new or removed movies do not shift the next page.
    """
    return urlsafe_b64encode(f"{search}.{movie_id}".encode()).decode().rstrip("=")


def find_cursor_row(browser: Browser, cursor: str, search: str) -> int:
    """The row of the movie in the cursor. Raises a 422 for a cursor of another search or of a removed movie."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    named = CURSOR_PATTERN.fullmatch(text)
    start_anew = "leave it out to start from the first movie"
    if named is None or named[1] != search:
        raise build_parameter_error("cursor", f"this cursor belongs to another search; {start_anew}")
    if int(named[2]) not in browser.columns.rows:
        raise build_parameter_error(
            "cursor", f"the last movie of the page before is not in the catalogue; {start_anew}"
        )
    return browser.columns.rows[int(named[2])]
