"""The search page, its suggestions, its builder of conditions."""

import re
from html import unescape
from urllib.parse import quote, unquote, urlencode

import pytest

from serving.pages import grid
from tests.serving.conftest import Browser
from tests.serving.pages.test_movie import ids
from tests.serving.visits import BrowserTab

HOSTILE = '"><script>alert(1)</script>'


def found(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", page))


def test_words_find_movies_best_first(browser: Browser) -> None:
    page = browser.get("/search?q=movie+12").text
    assert ids(page)[0] == 12
    assert "<html" in page


def test_without_words_and_filters_every_movie_is_there(browser: Browser) -> None:
    page = browser.get("/search")
    assert len(ids(page.text)) == 42
    assert "42 movies" in page.text


def test_any_and_all_genres_are_said_and_done(browser: Browser) -> None:
    assert len(ids(browser.get("/search?genre=Action&genre=Comedy").text)) == 41
    every = browser.get("/search?genre=Action&genre=Comedy&genre_mode=all").text
    assert ids(every) == []
    assert "all of" in every


def test_conditions_of_the_panel_join(browser: Browser) -> None:
    page = browser.get("/search?genre=Comedy&year_from=1981&year_to=1985&rating_min=3&ratings_min=5").text
    assert sorted(ids(page)) == [1, 3, 5, 31, 33, 35]


def test_tags_and_nested_conditions_join(browser: Browser) -> None:
    assert ids(browser.get("/search?tag=Time+Travel").text) == [1]
    page = browser.get("/search?filter=or(tag:heist,and(genre:Comedy,year:1983)),not(genre:Action)").text
    assert sorted(ids(page)) == [3, 33]


def test_each_active_filter_is_a_link_that_takes_it_away(browser: Browser) -> None:
    page = found(browser.get("/search?q=movie&genre=Comedy&decade=1980&filter=tag:heist,not(year:1990)").text)
    links = re.findall(r'active-chip" href="([^"]+)"', page)[:4]
    assert links == [
        "/search?q=movie&decade=1980&filter=tag:heist,not(year:1990)",
        "/search?q=movie&genre=Comedy&filter=tag:heist,not(year:1990)",
        "/search?q=movie&genre=Comedy&decade=1980&filter=not(year:1990)",
        "/search?q=movie&genre=Comedy&decade=1980&filter=tag:heist",
    ]
    assert 'class="clear" href="/search?q=movie"' in page


def test_counts_beside_genres_are_what_choosing_them_gives(browser: Browser) -> None:
    page = found(browser.get("/search?decade=1990&genre=Comedy").text)
    count = re.search(r'value="Action"[^>]*><span>Action <small>(\d+)', page)
    assert count is not None
    assert int(count[1]) == len(ids(browser.get("/search?decade=1990&genre=Action").text))


def test_an_empty_answer_names_filters_to_leave_out_with_their_gain(browser: Browser) -> None:
    page = found(browser.get("/search?q=movie+12&genre=Comedy").text)
    assert "No movies found" in page
    assert re.search(
        r'href="/search\?q=movie\+12"[^>]*><span class="active-text">without “Comedy”</span> <small>1<', page
    )


def test_a_typing_error_is_answered_with_what_was_meant(browser: Browser) -> None:
    page = found(browser.get("/search?q=moovie+12&genre=Action").text)
    assert ids(page)[0] == 12
    assert 'href="/search?q=movie+12&genre=Action">movie 12</a>' in page


@pytest.mark.parametrize(
    ("sort", "first"), [("title", 1), ("year", 29), ("popularity", None), ("rating", None), ("relevance", None)]
)
def test_every_order_can_be_asked_for(browser: Browser, sort: str, first: int | None) -> None:
    found_ids = ids(browser.get(f"/search?sort={sort}").text)
    assert len(found_ids) == 42
    assert first in {None, found_ids[0]}


def test_show_more_passes_every_movie_once(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "PAGE_SIZE", 10)
    address, passed = "/search?q=movie&sort=title", []
    while address:
        html = browser.get_fragment(address).text
        passed += ids(html)
        more = re.findall(r'rel="next" href="([^"]+)"', html)
        address = unescape(more[0]) if more else ""
    assert sorted(passed) == list(range(1, 43))


def test_htmx_gets_panel_and_results_then_cards_alone_and_the_address_to_show(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "PAGE_SIZE", 10)
    first = browser.get_fragment("/search?q=movie&genre=&year_from=&b.kind=and&sort=")
    assert first.text.lstrip().startswith('<div class="found" id="found">')
    assert first.headers["hx-push-url"] == "/search?q=movie"
    assert "HX-Request" in first.headers["vary"]
    second = browser.get_fragment("/search?q=movie&page=2")
    assert second.text.lstrip().startswith("<li>")
    assert "hx-push-url" not in second.headers


def test_what_a_form_adds_is_sent_on_to_the_short_address(browser: Browser) -> None:
    answer = browser.get("/search?q=movie+1&genre_mode=&genre=Comedy&year_from=&sort=&b.kind=and&tag=")
    assert (answer.status_code, answer.headers["location"]) == (303, "/search?q=movie+1&genre=Comedy")
    assert browser.get(answer.headers["location"]).status_code == 200


def test_a_genre_is_found_by_its_russian_name(browser: Browser) -> None:
    comedies, action = ids(browser.get("/search?q=comedy").text), ids(browser.get("/search?q=action").text)
    assert comedies
    assert ids(browser.get("/search?q=КОМЕДИЯ&lang=ru").text) == comedies
    assert ids(browser.get("/search?q=боевик&lang=ru").text) == action
    page = browser.get("/search?q=комедия&lang=ru").text
    assert 'value="комедия"' in page
    assert "/movies/" in browser.get("/search/suggestions?q=комедия&lang=ru").text


def pressed(browser: Browser, form: str, button: str) -> str:
    """The filter that the page shows after a button of the builder."""
    location = browser.get(f"/search?{form}&do={button}").headers["location"]
    return unescape(quote(location, safe="/?=&:,().")).partition("filter=")[2]


def test_the_builder_adds_and_removes_by_submit_buttons_alone(browser: Browser) -> None:
    one = "b.kind=and&b.0.field=genre&b.0.was=genre&b.0.value=Comedy"
    two = one + "&b.1.kind=or&b.1.0.field=year&b.1.0.was=year&b.1.0.low=1990&b.1.0.high="
    assert pressed(browser, "b.kind=and", "add:b") == "genre:"
    assert pressed(browser, one, "add:b") == "genre:Comedy,genre:"
    assert pressed(browser, one, "group:b") == "genre:Comedy,or(genre:,genre:)"
    assert pressed(browser, two, "add:b.1") == "genre:Comedy,or(year:1990..,genre:)"
    assert pressed(browser, two, "remove:b.1.0") == "genre:Comedy,or()"
    assert pressed(browser, two, "remove:b.0") == "or(year:1990..)".join(["and(", ")"])


@pytest.mark.parametrize("button", ["", "add", "add:x", "add:b.7", "remove:b", "remove:b.9.9", "boom:b", "add:b.-1"])
def test_a_button_that_is_none_changes_nothing(browser: Browser, button: str) -> None:
    assert pressed(browser, "b.kind=or&b.0.field=tag&b.0.value=heist", button) == "or(tag:heist)"


def test_a_condition_whose_field_was_changed_waits_for_its_value(browser: Browser) -> None:
    assert pressed(browser, "b.kind=and&b.0.field=year&b.0.was=genre&b.0.value=Comedy", "") == "year:"


def test_the_page_shows_the_builder_as_it_was_left(browser: Browser) -> None:
    page = browser.get('/search?filter=genre:Comedy,or(year:1990..,genre:),not(tag:"a, b")').text
    names = re.findall(r'name="(b[^"]*)"', page)
    values = dict(re.findall(r'<input name="(b[^"]*)"[^>]*? value="([^"]*)"', page))
    assert {"b.kind", "b.0.field", "b.1.kind", "b.1.0.low", "b.2.0.value"} <= set(names)
    assert (values["b.1.0.low"], values["b.2.0.value"]) == ("1990", "a, b")


def test_the_builder_holds_every_filter_that_can_be_read(browser: Browser) -> None:
    deepest = "year:1990..,or(genre:Comedy,and(tag:a,or(tag:b,and(tag:c,tag:d))))"
    page = browser.get(f"/search?filter={deepest}").text.split('id="builder"')[1]
    selects = re.findall(r'<select name="(b[^"]*)".*?<option value="([^"]*)" selected', page, re.DOTALL)
    inputs = re.findall(r'<input[^>]* name="(b[^"]*)"[^>]*? value="([^"]*)"', page)
    assert pressed(browser, urlencode(selects + inputs), "") == deepest
    assert 'value="group:b.1.1.1"' in page
    assert 'value="group:b.1.1.1.1"' not in page


def test_a_group_too_deep_for_the_builder_is_told_of(browser: Browser) -> None:
    groups = "&".join(f"b{'.0' * depth}.kind=or" for depth in range(6))
    answer = browser.get(f"/search?{groups}")
    assert answer.status_code == 422
    assert "too many groups inside each other" in unescape(answer.text)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q=" + "x" * 10_240, "at most 250 characters; this one has 10,240"),
        ("year_from=2000&year_to=1990", "The earlier year must come first"),
        ("year_from=soon", "“soon” is not a number"),
        ("genre=Opera", "There is no genre “Opera”. Choose one of these: Action, Comedy, Sci-Fi."),
        ("filter=genre:Opera", "There is no genre “Opera”"),
        ("decade=1995", "“1995” is not a decade"),
        ("sort=banana", "You cannot sort by “banana”"),
        ("filter=or(genre:Comedy", "A group in the filter is not closed"),
        ("filter=" + "and(" * 50, "too many groups inside each other"),
        ("filter=" + "x" * 10_240, "filter is too long"),
        ("&".join(f"tag=t{i}" for i in range(99)), "too many conditions"),
        ("filter=color:red", "“color” in the filter is not a condition"),
        ("b.kind=and&" + "&".join(f"b.0.{i}.kind=or" for i in range(999)), "too many conditions"),
        ("&".join(f"decade={i}" for i in range(999)), "“0” is not a decade"),
        ("b.kind=and&b.0.field=year&b.0.low=9&b.0.high=1", "the smaller number must come first"),
    ],
)
def test_what_cannot_be_answered_is_422_in_words(browser: Browser, query: str, said: str) -> None:
    for answer in (browser.get(f"/search?{query}"), browser.get_fragment(f"/search?{query}")):
        assert answer.status_code == 422
        assert said in found(answer.text)
        assert ids(answer.text) == []


@pytest.mark.parametrize("page", ["0", "-1", "2", "two", "9" * 30])
def test_a_page_that_is_not_there_is_not_found(browser: Browser, page: str) -> None:
    assert browser.get(f"/search?page={page}").status_code == 404


@pytest.mark.parametrize(
    "parameter", ["q", "genre", "tag", "filter", "sort", "year_from", "decade", "only", "page", "do"]
)
@pytest.mark.parametrize("value", [HOSTILE, "%ED%A0%80", "%00", "%F0%9F%8E%AC", "{{7*7}}", "'", "\\", "%25s"])
def test_hostile_text_is_text(browser: Browser, parameter: str, value: str) -> None:
    answer = browser.get(f"/search?{parameter}={quote(value, safe='%')}")
    assert answer.status_code in {200, 303, 404, 422}
    assert "<script>alert" not in answer.text
    if value == HOSTILE and parameter not in {"only", "page", "do"}:  # those three are not repeated
        assert "&lt;script&gt;alert" in unquote(answer.text)


def test_suggestions_are_options_that_lead_to_movies(browser: Browser) -> None:
    html = browser.get("/search/suggestions?q=movie").text
    assert len(re.findall(r'role="option"[^>]*href="/movies/\d+"', html)) == 8
    assert 'href="/search?q=movie"' in html
    assert "<html" not in html


@pytest.mark.parametrize("q", ["", "+"])
def test_nothing_is_suggested_for_nothing(browser: Browser, q: str) -> None:
    answer = browser.get(f"/search/suggestions?q={q}")
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("q", ["x" * 10_240, HOSTILE, "%ED%A0%80", "%00"])
def test_for_what_no_title_holds_the_whole_search_is_suggested(browser: Browser, q: str) -> None:
    answer = browser.get(f"/search/suggestions?q={quote(q, safe='%+')}")
    assert answer.status_code == 200
    assert re.findall('href="([^?]*)', answer.text) == ["/search"]
    assert "No title matches" in answer.text
    assert "<script>" not in answer.text


def test_the_header_has_a_field_that_searches_without_javascript(browser: Browser) -> None:
    assert '<form class="seek" action="/search" method="get"' in browser.get("/").text


def test_sets_of_the_visitor_are_offered_and_filtered_by(alone: BrowserTab) -> None:
    assert 'name="only"' not in alone.get("/search").text
    for movie_id in (1, 2):
        alone.post(f"/movies/{movie_id}/watched", on="1")
    alone.post("/movies/3/saved", on="1")
    page = alone.get("/search").text
    assert 'name="only"' in page
    assert 'id="only-unseen"' in page
    assert sorted(ids(alone.get("/search?only=seen").text)) == [1, 2]
    assert ids(alone.get("/search?only=saved").text) == [3]
    assert len(ids(alone.get("/search?filter=unseen").text)) == 40
