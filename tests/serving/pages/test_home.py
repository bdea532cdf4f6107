"""Home: three layers, and whose row is shown."""

import re
from pathlib import Path

import pytest

from serving.pages import home as home_page
from tests import factories
from tests.broken import Broken, break_ranker
from tests.serving.conftest import Browser, open_browser


def personal_ids(html: str) -> list[int]:
    section = re.split('class="because"|</section>', html[html.index('id="personal"') :], maxsplit=1)[0]
    return [int(found) for found in re.findall(r'class="card" href="/movies/(\d+)[?"]', section)]


def test_home_has_its_three_layers_in_order(browser: Browser) -> None:
    html = browser.get("/").text
    assert html.index("Trending Now") < html.index(">For you</h2>") < html.index(">All movies</h2>")


def test_the_trending_heading_sits_in_one_section_with_its_row(browser: Browser) -> None:
    section = browser.get("/").text.split('aria-labelledby="trending"')[1].split("</section>")[0]
    assert "Trending Now" in section
    assert section.count('class="card"') == 20


def test_home_says_how_many_movies_there_are(browser: Browser) -> None:
    assert "42 movies, most popular first" in browser.get("/").text


def test_the_background_picture_is_our_own_and_loads(browser: Browser) -> None:
    (picture,) = re.findall(r'class="hero-picture" src="([^"]+)"', browser.get("/").text)
    assert picture.startswith("/static/")
    assert browser.get(picture).headers["content-type"] == "image/svg+xml"


def test_three_preset_users_are_offered_and_the_first_is_shown(browser: Browser) -> None:
    html = browser.get("/").text
    presets = re.findall(r'href="/\?user_id=(\d+)#for-you"', html)
    assert len(set(presets)) == 3
    assert f"Chosen for user {presets[0]} based on" in html


def test_presets_are_the_same_on_every_visit(browser: Browser) -> None:
    assert browser.get("/").text == browser.get("/").text


def test_a_user_gets_a_row_without_the_movies_rated_before(browser: Browser) -> None:
    # User 3 of the checkerboard rated every odd movie but 3.
    html = browser.get("/?user_id=3").text
    assert "Chosen for user 3 based on 19 ratings" in html
    assert personal_ids(html)[0] == 3
    assert all(movie == 3 or movie % 2 == 0 for movie in personal_ids(html))


def test_htmx_gets_the_rows_drawn_like_in_the_page(browser: Browser) -> None:
    fragment = browser.get_fragment("/?user_id=3").text
    assert fragment.startswith("<section")
    assert "<html" not in fragment
    row, trending = re.split(r"<div id=\"trending-strip\" hx-swap-oob=\"innerHTML\">|</div>\s*$", fragment)[:2]
    page = browser.get("/?user_id=3").text
    assert row.strip() in page
    assert trending.strip() in page


def test_for_the_rows_the_list_of_all_movies_is_not_worked_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = open_browser(home)
    monkeypatch.setattr(home_page, "build_catalogue_page", Broken("read for the rows"))
    assert browser.get_fragment("/?user_id=3").status_code == 200
    assert browser.get("/?user_id=3").status_code == 500


def test_restored_history_gets_the_whole_page(browser: Browser) -> None:
    answer = browser.get("/?user_id=3", HX_Request="true", HX_History_Restore_Request="true")
    assert "<html" in answer.text


def test_page_and_fragment_are_told_apart_by_caches(browser: Browser) -> None:
    page, fragment = browser.get("/?user_id=3"), browser.get_fragment("/?user_id=3")
    assert "HX-Request" in page.headers["vary"]
    assert "HX-Request" in fragment.headers["vary"]
    assert page.headers["cache-control"] == "private, no-cache"
    assert fragment.headers["cache-control"] == "no-store"


def test_an_unchanged_page_is_not_sent_twice(browser: Browser) -> None:
    first = browser.get("/?user_id=3")
    assert first.headers["etag"].startswith('W/"')
    again = browser.get("/?user_id=3", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert browser.get("/?user_id=4", If_None_Match=first.headers["etag"]).status_code == 200


@pytest.mark.parametrize("user_id", ["999999", "2147483648", "99999999999999999"])
def test_an_unknown_user_is_told_that_the_movies_are_popular_ones(browser: Browser, user_id: str) -> None:
    answer = browser.get(f"/?user_id={user_id}")
    assert answer.status_code == 200
    assert f"We do not know user {user_id} yet, so here are popular movies." in answer.text
    assert "Chosen for user" not in answer.text


def test_an_empty_field_is_nobody(browser: Browser) -> None:
    for path in ("/?user_id=", "/?user_id=%20%20"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "Choose one of the users above" in answer.text
        assert personal_ids(answer.text) == []


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "-1",
        "1.5",
        "15.0",
        "1_5",
        "%2B15",
        "%2015",
        "15%20",
        "15%0A",
        "1e3",
        "١٥",
        "9" * 19,
        "9" * 10_000,
        "x" * 10_000,
        "%00",
        "%ED%A0%80",
        "%FF",
        "15;drop",
        "١٥x",
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_what_is_no_user_id_is_answered_by_a_sentence(browser: Browser, text: str, htmx: bool) -> None:
    answer = (browser.get_fragment if htmx else browser.get)(f"/?user_id={text}")
    assert answer.status_code == 422
    assert "is not a user id" in answer.text
    assert 'class="chip"' in answer.text
    assert len(answer.content) < 60_000


def test_without_a_ranker_the_row_says_that_nothing_ranked_it(tmp_path: Path) -> None:
    factories.publish_small_bundle(tmp_path, with_ranker=False)
    browser = open_browser(tmp_path)
    html = browser.get("/?user_id=3").text
    assert "Chosen for user 3 based on 19 ratings, without the final ranking" in html
    answer = browser.get("/api/movies/personal?user_id=3").json()
    assert answer["model"] == "candidates"
    assert [movie["movie_id"] for movie in answer["movies"]] == personal_ids(html)


def test_what_was_typed_is_repeated_harmlessly(browser: Browser) -> None:
    html = browser.get("/?user_id=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_failing_recommender_costs_the_row_not_the_page(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    browser = open_browser(home)
    break_ranker(browser.app, "the ranker lost its trees")
    answer = browser.get("/?user_id=3")
    assert answer.status_code == 200
    assert "not available right now" in answer.text
    assert "Trending Now" in answer.text
    assert "the ranker lost its trees" in caplog.text


def test_the_footer_names_source_run_quality_and_terms(browser: Browser) -> None:
    footer = browser.get("/").text.split("<footer")[1]
    for said in ("made-up checkerboard", "0a1b2c3d-run", "0.500 (from 0.400 to 0.600", "10.1145/2827872"):
        assert said in footer
    assert "endorses" in footer
