"""The search page, and the suggestions below its field."""

import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from fastapi import APIRouter, HTTPException
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from movierec.search.browser import Browser, Count, Hits
from movierec.search.filter_masks import Mask, Sets
from movierec.search.filter_tree import FilterError
from serving.i18n.languages import N_, Sentence, choose_language
from serving.pages import filter_builder
from serving.pages.cards import Card, build_cards
from serving.pages.catalogue import AUTOMATIC_PAGES, PAGE_NUMBER_ADAPTER, PAGE_SIZE, CataloguePage
from serving.services.search_query import (
    MAX_QUERY_LENGTH,
    ONLY_CHOICES,
    FilterChip,
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
MAX_FACET_TAGS = 16


class RelaxedSearch(NamedTuple):
    """A search without one of its filters, and how many movies it finds."""

    chip: FilterChip
    n: int


class Facets(NamedTuple):
    """The choices of the filter panel, each with the number of movies it would give."""

    genres: list[Count]
    decades: list[Count]
    tags: list[Count]


class SearchResult(NamedTuple):
    """The result of a search.

    `state` and `meant` come from the search for the words: how they matched, and a correction.
    """

    catalogue: CataloguePage
    facets: Facets
    state: str
    meant: str | None
    meant_href: str | None
    ways: list[RelaxedSearch]
    n_without: int  # movies that the words alone find


@router.get("/search")
def show_search(request: Request, site: TheSite, bundle: TheBundle) -> Response:
    """The search page; for htmx the panel and the results, from the second page on only the cards."""
    pairs = [(name, value) for name, value in request.query_params.multi_items()]
    wanted = parse_search_pairs(pairs)
    number = parse_page_number(request.query_params.get("page", ""))
    if not wanted.faults and not wants_fragment(request) and not is_canonical(pairs):
        return RedirectResponse(wanted.build_href(), 303, {"Cache-Control": "no-store"})
    sets = load_filter_sets(request)
    words = translate_genre_names(site, request, bundle.browser, wanted.q)
    try:
        found = run_search(bundle.browser, wanted, sets, number=number, words=words)
    except FilterError as error:
        wanted = replace(wanted, faults=(*wanted.faults, QueryFault("genre", error)))
        found = run_search(bundle.browser, SearchQuery(q=wanted.q), sets, number=1, words=words)
    response = site.render_page(
        request,
        "search.html",
        bundle=bundle,
        fragment="partials/found.html" if number == 1 else "partials/catalogue.html",
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
    return site.render_fragment(request, "partials/suggestions.html", q=q.strip()[:MAX_QUERY_LENGTH], cards=found)


def translate_genre_names(site: Site, request: Request, browser: Browser, q: str) -> str:
    """Replaces genre names in the visitor's language with those of the catalogue."""
    language = site.languages[choose_language(request)]
    names = {language.genre(genre).casefold(): genre for genre in browser.columns.genres}
    return re.sub(r"[\w-]+", lambda word: names.get(word[0].casefold(), word[0]), q)


def suggest_movies(browser: Browser, q: str) -> list[Card]:
    """Cards of the best MAX_SUGGESTIONS movies; empty for an empty or too long text."""
    if not q.strip() or len(q) > MAX_QUERY_LENGTH:
        return []
    score = browser.titles.search(q).score
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


def parse_page_number(text: str) -> int:
    """Parses a page number, 1 if the text is empty. Raises a 404 for anything else."""
    try:
        return PAGE_NUMBER_ADAPTER.validate_python(text or 1)
    except ValidationError:
        raise HTTPException(404, N_("This page does not exist.")) from None


def run_search(
    browser: Browser, wanted: SearchQuery, sets: Sets, *, number: int, words: str | None = None
) -> SearchResult:
    """Runs the search. `words` replace `wanted.q` if given.

    Raises FilterError for an unknown genre, and a 404 for a page past the last.
    """
    hits = browser.hits(wanted.q if words is None else words)
    base = hits.mask & browser.columns.matching(wanted.other_filter, sets)
    of_genre = browser.columns.matching(wanted.genre_filter, sets)
    of_decade = browser.columns.matching(wanted.decade_filter, sets)
    mask = base & of_genre & of_decade
    facets = Facets(
        browser.genres(mask if wanted.all_genres else base & of_decade),
        browser.decades(base & of_genre),
        browser.tags(mask, n=MAX_FACET_TAGS),
    )
    catalogue = build_results_page(browser, wanted, mask, hits, number=number)
    ways = find_relaxations(browser, wanted, hits, sets) if not mask.any() else []
    meant_href = replace(wanted, q=hits.meant).build_href() if hits.meant else None
    return SearchResult(catalogue, facets, hits.state, hits.meant, meant_href, ways, int(np.count_nonzero(hits.mask)))


def build_results_page(browser: Browser, wanted: SearchQuery, mask: Mask, hits: Hits, *, number: int) -> CataloguePage:
    """Page `number` of the movies in `mask`, in the order of the search. Raises a 404 past the last page."""
    rows = browser.ordered(mask, hits, wanted.effective_sort)
    n_pages = -(-len(rows) // PAGE_SIZE)
    if number > max(n_pages, 1):
        text = N_("There is no page %(number)s. The last page is %(pages)s.")
        raise HTTPException(404, Sentence(text, {"number": number, "pages": n_pages}))
    shown = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return CataloguePage(
        build_cards(browser.movies[row] for row in shown),
        number,
        n_pages,
        len(rows),
        wanted.build_href(page=str(number + 1)) if number < n_pages else None,
        loads_by_itself=number % AUTOMATIC_PAGES != 0,
    )


def find_relaxations(browser: Browser, wanted: SearchQuery, hits: Hits, sets: Sets) -> list[RelaxedSearch]:
    """The searches without one of the active filters that find movies, most movies first."""
    found = []
    for chip in wanted.list_chips()[:12]:
        mask = browser.columns.matching(chip.relaxed_query.combine_filters(), sets)
        n = int(np.count_nonzero(hits.mask & mask))
        if n:
            found.append(RelaxedSearch(chip, n))
    return sorted(found, key=lambda way: -way.n)
