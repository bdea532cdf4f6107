"""The search page, and the suggestions below its field."""

import re
from typing import NamedTuple

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from movierec.search.browser import Browser
from movierec.search.filter_masks import MovieSets
from movierec.search.filter_tree import FilterError
from serving.i18n.languages import choose_language
from serving.pages import filter_builder, grid
from serving.pages.cards import Card, build_cards
from serving.pages.grid import GridPage, GridPageNumber, build_grid_page
from serving.services.search import Facets, RelaxedSearch, count_facets, find_relaxations, run_search
from serving.services.search_query import (
    MAX_QUERY_LENGTH,
    ONLY_CHOICES,
    QueryFault,
    SearchQuery,
    parse_search_query,
)
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import wants_fragment
from serving.web.rendering import Site
from serving.web.visitor_lists import load_filter_sets

router = APIRouter(include_in_schema=False)

MAX_SUGGESTIONS = 8


class SearchView(NamedTuple):
    """A page of the found movies with the filter panel.

    `state` and `meant` come from the search for the words: how they matched, and a correction.
    """

    catalogue: GridPage
    facets: Facets
    state: str
    meant: str | None
    meant_href: str | None
    ways: list[RelaxedSearch]
    n_without: int  # movies that the words alone find


@router.get("/search")
def show_search(request: Request, site: TheSite, bundle: TheBundle, number: GridPageNumber) -> Response:
    """The search page; for htmx the panel and the results, from the second page on only the cards."""
    pairs = [(name, value) for name, value in request.query_params.multi_items()]
    wanted = parse_search_pairs(pairs)
    if not wanted.faults and not wants_fragment(request) and not is_canonical(pairs):
        return RedirectResponse(wanted.build_href(), 303, {"Cache-Control": "no-store"})
    sets = load_filter_sets(request)
    words = translate_genre_names(site, request, bundle.browser, wanted.q)
    try:
        found = build_search_view(bundle.browser, wanted, sets, number=number, words=words)
    except FilterError as error:
        wanted = wanted.replace(faults=(*wanted.faults, QueryFault("genre", error)))
        found = build_search_view(bundle.browser, SearchQuery(q=wanted.q), sets, number=1, words=words)
    response = site.render_page(
        request,
        "search/search.html",
        bundle=bundle,
        fragment="search/found.html" if number == 1 else "partials/catalogue.html",
        status=422 if wanted.faults else 200,
        asked=wanted,
        found=found,
        catalogue=found.catalogue,
        bare=SearchQuery(q=wanted.q, sort=wanted.sort),
        flags=[name for name in ONLY_CHOICES if ("seen" if name == "unseen" else name) in sets],
        typed={name: request.query_params.get(name, "")[:10] for name in ("year_from", "year_to")},
        genres={genre.lower(): genre for genre in bundle.browser.columns.genres},
        max_query=MAX_QUERY_LENGTH,
    )
    if number == 1 and wants_fragment(request) and not wanted.faults:
        response.headers["HX-Push-Url"] = wanted.build_href()
    return response


@router.get("/search/suggestions")
def show_suggestions(request: Request, site: TheSite, bundle: TheBundle, q: str = "") -> Response:
    """The best movies for the text typed so far, as options of a list."""
    found = suggest_movies(bundle.browser, translate_genre_names(site, request, bundle.browser, q))
    return site.render_fragment(request, "search/suggestions.html", q=q.strip()[:MAX_QUERY_LENGTH], cards=found)


def translate_genre_names(site: Site, request: Request, browser: Browser, q: str) -> str:
    """Replaces genre names in the visitor's language with those of the catalogue."""
    language = site.languages[choose_language(request)]
    names = {language.genre(genre).casefold(): genre for genre in browser.columns.genres}
    return re.sub(r"[\w-]+", lambda word: names.get(word[0].casefold(), word[0]), q)


def suggest_movies(browser: Browser, q: str) -> list[Card]:
    """Cards of the best MAX_SUGGESTIONS movies; empty for an empty or too long text."""
    if not q.strip() or len(q) > MAX_QUERY_LENGTH:
        return []
    score = browser.titles.search_titles(q).score
    rows = np.flatnonzero(score)
    if len(rows) > MAX_SUGGESTIONS:
        least = np.partition(score[rows], -MAX_SUGGESTIONS)[-MAX_SUGGESTIONS]
        rows = rows[score[rows] >= least]
    best = rows[np.lexsort((rows, -score[rows]))][:MAX_SUGGESTIONS]
    return build_cards(browser.movies[row] for row in best)


def parse_search_pairs(pairs: list[tuple[str, str]]) -> SearchQuery:
    """Parses the parameters; fields of the filter builder take the place of `filter`."""
    if filter_builder.has_builder_fields(pairs):
        return parse_search_query(pairs, *filter_builder.parse_builder_fields(pairs))
    return parse_search_query(pairs)


def is_canonical(pairs: list[tuple[str, str]]) -> bool:
    """Whether the URL has no empty parameters and no fields that only the form needs."""
    return all(value and name != "do" and not name.startswith(f"{filter_builder.ROOT_FIELD}.") for name, value in pairs)


def build_search_view(
    browser: Browser, wanted: SearchQuery, sets: MovieSets, *, number: int, words: str | None = None
) -> SearchView:
    """Page `number` of the search. `words` replace `wanted.q` if given.

    Raises FilterError for an unknown genre, and a 404 for a page past the last.
    """
    found = run_search(browser, wanted, sets, words=words)
    meant = found.hits.corrected_query
    return SearchView(
        build_grid_page(
            found.list_movies((number - 1) * grid.PAGE_SIZE, limit=grid.PAGE_SIZE),
            number,
            n_movies=len(found.rows),
            next_href=wanted.build_href(page=str(number + 1)),
        ),
        count_facets(found, all_genres=wanted.all_genres),
        found.hits.state,
        meant,
        wanted.replace(q=meant).build_href() if meant else None,
        [] if len(found.rows) else find_relaxations(found, wanted, sets),
        int(np.count_nonzero(found.hits.mask)),
    )
