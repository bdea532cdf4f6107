"""The search page and the suggestions under its field."""

import logging
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
from serving.i18n.languages import N_, Sentence, language_of
from serving.pages import filter_builder
from serving.pages.cards import Card, cards
from serving.pages.catalogue import A_PAGE_NUMBER, AUTOMATIC_PAGES, PAGE_SIZE, CataloguePage
from serving.services.search_query import MAX_QUERY, ONLY, Asked, Chip, Fault, asked
from serving.web.dependencies import TheBundle, TheSite
from serving.web.forms import wants_fragment
from serving.web.rendering import Site
from serving.web.visitor_lists import my_sets

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

SUGGESTIONS = 8
MOST_TAGS = 16


class Way(NamedTuple):
    """A way out of an empty answer: a filter to leave out, and how many movies that would give."""

    chip: Chip
    n: int


class Facets(NamedTuple):
    """What can be chosen, with the number of movies that choosing it would give."""

    genres: list[Count]
    decades: list[Count]
    tags: list[Count]


class Found(NamedTuple):
    """The answer to a search. `state` and `meant` are those of the words."""

    catalogue: CataloguePage
    facets: Facets
    state: str
    meant: str | None
    meant_href: str | None
    ways: list[Way]
    n_without: int  # movies that the words alone find


@router.get("/search")
def search(request: Request, site: TheSite, bundle: TheBundle) -> Response:
    """Words, filters and order from the address; for htmx panel and results, from the second page on cards alone."""
    pairs = [(name, value) for name, value in request.query_params.multi_items()]
    wanted = read_pairs(pairs)
    number = page_number(request.query_params.get("page", ""))
    if not wanted.faults and not wants_fragment(request) and not is_clean(pairs):
        return RedirectResponse(wanted.href(), 303, {"Cache-Control": "no-store"})
    sets = my_sets(request)
    words = in_the_catalogues_words(site, request, bundle.browser, wanted.q)
    try:
        found = find(bundle.browser, wanted, sets, number=number, words=words)
    except FilterError as error:
        wanted = replace(wanted, faults=(*wanted.faults, Fault("genre", error)))
        found = find(bundle.browser, Asked(q=wanted.q), sets, number=1, words=words)
    response = site.html(
        request,
        "search.html",
        bundle=bundle,
        fragment="partials/found.html" if number == 1 else "partials/catalogue.html",
        status=422 if wanted.faults else 200,
        asked=wanted,
        found=found,
        catalogue=found.catalogue,
        bare=Asked(q=wanted.q, sort=wanted.sort),
        flags=[name for name in ONLY if ("seen" if name == "unseen" else name) in sets],
        typed={name: request.query_params.get(name, "")[:10] for name in ("year_from", "year_to")},
        genres={genre.lower(): genre for genre in bundle.browser.columns.genres},
        max_query=MAX_QUERY,
    )
    if number == 1 and wants_fragment(request) and not wanted.faults:
        response.headers["HX-Push-Url"] = wanted.href()
    return response


@router.get("/search/suggestions")
def suggestions(request: Request, site: TheSite, bundle: TheBundle, q: str = "") -> Response:
    """The best few movies for what is typed so far, as options of a list."""
    found = suggested(bundle.browser, in_the_catalogues_words(site, request, bundle.browser, q))
    return site.fragment(request, "partials/suggestions.html", q=q.strip()[:MAX_QUERY], cards=found)


def in_the_catalogues_words(site: Site, request: Request, browser: Browser, q: str) -> str:
    """With the names of genres that the visitor's language has as the catalogue calls them."""
    language = site.languages[language_of(request)]
    names = {language.genre(genre).casefold(): genre for genre in browser.columns.genres}
    return re.sub(r"[\w-]+", lambda word: names.get(word[0].casefold(), word[0]), q)


def suggested(browser: Browser, q: str) -> list[Card]:
    if not q.strip() or len(q) > MAX_QUERY:
        return []
    score = browser.titles.search(q).score
    rows = np.flatnonzero(score)
    if len(rows) > SUGGESTIONS:
        least = np.partition(score[rows], -SUGGESTIONS)[-SUGGESTIONS]
        rows = rows[score[rows] >= least]
    best = rows[np.lexsort((rows, -score[rows]))][:SUGGESTIONS]
    return cards(browser.movies[row] for row in best)


def read_pairs(pairs: list[tuple[str, str]]) -> Asked:
    """The builder's fields stand for the parameter `filter`, where the form sends them."""
    if filter_builder.is_in(pairs):
        return asked(pairs, *filter_builder.tree_of(pairs))
    return asked(pairs)


def is_clean(pairs: list[tuple[str, str]]) -> bool:
    """Whether an address has nothing that a form adds and nobody needs."""
    return all(value and name != "do" and not name.startswith(f"{filter_builder.ROOT}.") for name, value in pairs)


def page_number(text: str) -> int:
    try:
        return A_PAGE_NUMBER.validate_python(text or 1)
    except ValidationError:
        raise HTTPException(404, N_("This page does not exist.")) from None


def find(browser: Browser, wanted: Asked, sets: Sets, *, number: int, words: str | None = None) -> Found:
    """By `words` where they are not `wanted.q` itself. Raises FilterError for a genre that no movie has, and a 404 for
    a page past the last."""
    hits = browser.hits(wanted.q if words is None else words)
    base = hits.mask & browser.columns.matching(wanted.other_part, sets)
    of_genre = browser.columns.matching(wanted.genre_part, sets)
    of_decade = browser.columns.matching(wanted.decade_part, sets)
    mask = base & of_genre & of_decade
    facets = Facets(
        browser.genres(mask if wanted.all_genres else base & of_decade),
        browser.decades(base & of_genre),
        browser.tags(mask, n=MOST_TAGS),
    )
    catalogue = results(browser, wanted, mask, hits, number=number)
    ways = ways_out(browser, wanted, hits, sets) if not mask.any() else []
    meant_href = replace(wanted, q=hits.meant).href() if hits.meant else None
    return Found(catalogue, facets, hits.state, hits.meant, meant_href, ways, int(np.count_nonzero(hits.mask)))


def results(browser: Browser, wanted: Asked, mask: Mask, hits: Hits, *, number: int) -> CataloguePage:
    rows = browser.ordered(mask, hits, wanted.order)
    n_pages = -(-len(rows) // PAGE_SIZE)
    if number > max(n_pages, 1):
        text = N_("There is no page %(number)s. The last page is %(pages)s.")
        raise HTTPException(404, Sentence(text, {"number": number, "pages": n_pages}))
    shown = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return CataloguePage(
        cards(browser.movies[row] for row in shown),
        number,
        n_pages,
        len(rows),
        wanted.href(page=str(number + 1)) if number < n_pages else None,
        loads_by_itself=number % AUTOMATIC_PAGES != 0,
    )


def ways_out(browser: Browser, wanted: Asked, hits: Hits, sets: Sets) -> list[Way]:
    """For each active filter how many movies there would be without it, where there would be any."""
    found = []
    for chip in wanted.chips()[:12]:
        mask = browser.columns.matching(chip.freed.whole(), sets)
        n = int(np.count_nonzero(hits.mask & mask))
        if n:
            found.append(Way(chip, n))
    return sorted(found, key=lambda way: -way.n)
