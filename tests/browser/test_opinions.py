"""What people do in a browser: stars by pointer and by keys, Undo, reviews, five films, an account."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Response, Route, expect

from tests.browser.conftest import WINDOW_SIZES, Visit
from tests.browser.pages import open_overlay, send_form
from tests.browser.test_accessibility import violations


def stars(page: Page, movie: int, half: int) -> None:
    page.locator(f"#stars-{movie}-{half} + label").click()


def test_a_click_on_half_a_star_is_kept_without_leaving_the_page(visit: Visit) -> None:
    page = visit("/movies/3")
    stars(page, 3, 7)
    expect(page.locator(".actions-says")).to_contain_text("Saved: 3.5 of 5 stars.")
    expect(page.locator(".who-button")).to_have_text("G Menu: Guest")
    page.reload()
    expect(page.locator("#stars-3-7")).to_be_checked()


def lit_halves(page: Page, css: str) -> list[bool]:
    """For each half star within `css`, from the left: whether it has a colour other than that of an empty star."""
    halves = page.locator(f"{css} .half")
    script = "halves => halves.map((half) => getComputedStyle(half, '::before').backgroundColor)"
    return [colour != "rgb(67, 74, 92)" for colour in halves.evaluate_all(script)]


def expect_lit(page: Page, css: str, n_halves: int) -> None:
    """The first `n_halves` are lit, once the colours have changed, and the others are not."""
    wanted = [half <= n_halves for half in range(1, 11)]
    deadline = time.monotonic() + 5
    while lit_halves(page, css) != wanted and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    assert lit_halves(page, css) == wanted


@pytest.mark.parametrize("rated", [None, 4, 9])
def test_stars_light_up_to_the_one_under_the_pointer(visit: Visit, rated: int | None) -> None:
    page = visit("/movies/3")
    if rated:
        stars(page, 3, rated)
        expect(page.locator(".actions-says")).to_contain_text("Saved: ")
    for half in (6, 1, 10, 3):
        page.locator(f"#stars-3-{half} + label").hover()
        expect_lit(page, ".actions .stars", half)
    page.locator("#stars-3-none + label").hover(force=True)
    expect_lit(page, ".actions .stars", 0)
    page.locator("h1").hover()
    expect_lit(page, ".actions .stars", rated or 0)


def test_stars_light_up_in_the_overlay_and_among_the_five_films_too(visit: Visit) -> None:
    page = visit("/")
    overlay = open_overlay(page, page.locator("#trending-strip .card").first)
    overlay.locator(".half").nth(6).hover()
    expect_lit(page, ".overlay .stars", 7)
    page.goto("/welcome")
    first = ".offer:first-of-type .stars"
    page.locator(f"{first} .half").nth(4).hover()
    expect_lit(page, first, 5)


def test_stars_light_up_to_the_one_that_keys_choose(visit: Visit) -> None:
    page = visit("/movies/3")
    page.locator("#stars-3-none").focus()
    for half in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#stars-3-{half}")).to_be_focused()
        expect(page.locator(f"#stars-3-{half} + label")).to_have_css("outline-style", "solid")
        expect_lit(page, ".actions .stars", half)


@contextmanager
def held(page: Page, movie: int) -> Iterator[None]:
    """The first form about the movie is answered only after what is done within."""
    routes: list[Route] = []

    def hold(route: Route) -> None:
        routes.append(route)

    page.route(f"**/movies/{movie}/*", hold, times=1)
    yield
    expect(page.locator(".sending").first).to_be_attached()
    while not routes:  # the form waits for its turn among tabs
        page.wait_for_timeout(10)
    routes[0].continue_()


def test_a_rating_and_a_save_at_once_are_both_kept(visit: Visit) -> None:
    page = visit("/movies/3")
    with held(page, 3):
        stars(page, 3, 7)
        page.get_by_role("button", name="Save").click()
        stars(page, 3, 9)
    expect(page.get_by_role("button", name="Saved")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".actions-says")).to_contain_text("Saved: 4.5 of 5 stars.")
    page.reload()
    expect(page.locator("#stars-3-9")).to_be_checked()
    expect(page.get_by_role("button", name="Saved")).to_be_visible()
    expect(page.locator(".who-button")).to_have_text("G Menu: Guest")


def test_two_tabs_of_one_newcomer_are_one_guest(visit: Visit) -> None:
    first = visit("/movies/3")
    second = first.context.new_page()
    second.goto("/movies/5")
    held_back: list[tuple[Route, httpx.Response]] = []

    def answer_later(route: Route) -> None:
        """The server makes a guest of whom the browser does not hear yet."""
        asked = route.request
        headers = {"HX-Request": "true", "Content-Type": asked.headers["content-type"], "Accept-Encoding": "identity"}
        held_back.append((route, httpx.post(asked.url, content=asked.post_data, headers=headers)))

    first.route("**/movies/3/rating", answer_later)
    stars(first, 3, 7)
    while not held_back:
        first.wait_for_timeout(10)
    stars(second, 5, 9)
    expect(second.locator(".sending")).to_be_attached()
    [(route, answer)] = held_back
    route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.text)
    expect(first.locator(".actions-says")).to_contain_text("Saved: 3.5 of 5 stars.")
    expect(second.locator(".actions-says")).to_contain_text("Saved: 4.5 of 5 stars.")
    for page, star in ((first, "#stars-3-7"), (second, "#stars-5-9")):
        page.reload()
        expect(page.locator(star)).to_be_checked()


def accessible_name(page: Page, css: str) -> str:
    """What a screen reader calls the one element that `css` selects, as the browser itself tells it."""
    session = page.context.new_cdp_session(page)
    document = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": document, "selector": css})["nodeId"]
    tree = session.send("Accessibility.getPartialAXTree", {"nodeId": node, "fetchRelatives": False})
    return str(tree["nodes"][0]["name"]["value"])


@pytest.mark.parametrize(("locale", "names"), [("en-US", ("Save", "Saved")), ("ru-RU", ("Сохранить", "Сохранено"))])
def test_save_is_named_by_its_words_alone(visit: Visit, locale: str, names: tuple[str, str]) -> None:
    page = visit("/movies/3", locale=locale)
    assert accessible_name(page, ".save") == names[0]
    page.locator(".save").click()
    expect(page.locator(".save")).to_have_attribute("aria-pressed", "true")
    assert accessible_name(page, ".save") == names[1]


def test_save_pressed_twice_saves(visit: Visit) -> None:
    page = visit("/movies/3")
    with held(page, 3):
        page.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_role("button", name="Saved")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.get_by_role("button", name="Saved")).to_be_visible()


def test_stars_are_kept_though_the_overlay_is_closed_at_once(visit: Visit) -> None:
    page = visit("/")
    overlay = open_overlay(page, page.locator("#trending-strip .card").first)
    movie = int(urlsplit(page.url).path.rpartition("/")[2])

    def gives_five(answer: Response) -> bool:
        return "rating=5" in (answer.request.post_data or "")

    with page.expect_response(gives_five), held(page, movie):
        stars(page, movie, 7)
        stars(page, movie, 10)
        page.keyboard.press("Escape")
        expect(overlay).to_be_hidden()
    page.goto(f"/movies/{movie}")
    expect(page.locator(f"#stars-{movie}-10")).to_be_checked()


def test_arrow_keys_change_the_rating_and_the_focus_stays(visit: Visit) -> None:
    page = visit("/movies/3")
    page.locator("#stars-3-none").focus()
    for half in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".actions-says")).to_contain_text(f"Saved: {half / 2:g} of 5 stars.")
        expect(page.locator(f"#stars-3-{half}")).to_be_focused()
        expect(page.locator(".htmx-settling, .htmx-added, .htmx-request")).to_have_count(0)


def test_undo_brings_the_rating_before_back(visit: Visit) -> None:
    page = visit("/movies/3")
    stars(page, 3, 8)
    expect(page.locator(".actions-says")).to_contain_text("Saved: 4 of 5 stars.")
    stars(page, 3, 2)
    page.get_by_role("button", name="Undo: back to 4").click()
    expect(page.locator(".actions-says")).to_contain_text("Saved: 4 of 5 stars.")
    expect(page.locator("#stars-3-8")).to_be_checked()


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_in_the_overlay_save_and_move_to_page_stand_on_one_line_at_every_width(visit: Visit, locale: str) -> None:
    for width in (320, 360, 480, 600, 768, 1440):
        page = visit("/", width=1440, locale=locale)
        page.set_viewport_size({"width": width, "height": 800})
        overlay = open_overlay(page, page.locator('.card[href^="/movies/1?"]').first)
        overlay.locator(".save").click()
        expect(overlay.locator(".save")).to_have_attribute("aria-pressed", "true")
        save, move, links = (overlay.locator(part).bounding_box() for part in (".save", ".move", ".outlinks"))
        assert save
        assert move
        assert links
        assert abs(save["y"] + save["height"] / 2 - move["y"] - move["height"] / 2) < 2
        assert save["x"] + save["width"] < move["x"]
        # The links to the right of both where there is room, else right below.
        below = links["y"] - move["y"] - move["height"]
        assert links["x"] > move["x"] + move["width"] if below < 0 else below < 20
        if width in {480, 1440} and locale == "en-US":
            assert below < 0


def test_a_review_is_kept_and_its_markup_is_text(visit: Visit) -> None:
    page = visit("/movies/5")
    page.get_by_label("Your review").fill("Quiet <b>and</b> true.\nTwice.")
    page.get_by_role("button", name="Post review").click()
    expect(page.locator(".reviews-says")).to_have_text("Review posted.")
    expect(page.locator(".review-own .review-text")).to_have_text("Quiet <b>and</b> true. Twice.")


def test_what_is_pressed_and_gone_leaves_the_focus_on_what_it_did(visit: Visit) -> None:
    page = visit("/movies/31")
    stars(page, 31, 7)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".actions-says [data-say]")).to_have_text("Rating removed.")
    expect(page.locator(".actions-says [data-say]")).to_be_focused()
    page.get_by_label("Your review").fill("Gone in a moment.")
    page.get_by_role("button", name="Post review").press("Enter")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(page.locator(".reviews-says [data-say]")).to_have_text("Review deleted.")
    expect(page.locator(".reviews-says [data-say]")).to_be_focused()


def test_an_answer_that_says_what_went_wrong_takes_its_place_in_the_page(visit: Visit, complaints: list[str]) -> None:
    page = visit("/movies/5")
    page.locator(".review-form input[name=as]").evaluate("field => field.value = 'somebody-else'")
    page.get_by_label("Your review").fill("Not lost.")
    page.get_by_role("button", name="Post review").click()
    expect(page.locator(".review-help")).to_contain_text("Nothing was saved")
    expect(page.get_by_label("Your review")).to_have_value("Not lost.")
    assert "409" in complaints.pop()


def test_without_scripts_everything_can_be_done(visit: Visit) -> None:
    page = visit("/movies/7", java_script_enabled=False)
    stars(page, 7, 9)
    page.get_by_role("button", name="Rate").click()
    expect(page.locator(".actions-says")).to_contain_text("Saved: 4.5 of 5 stars.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#stars-7-none")).to_be_checked()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Saved")).to_be_visible()
    page.get_by_label("Your review").fill("By hand.")
    page.get_by_role("button", name="Post review").click()
    expect(page.locator(".reviews-says")).to_have_text("Review posted.")
    page.locator(".who-button").click()
    page.get_by_role("link", name="My movies").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Guest")


def test_five_films_lead_to_a_row_of_ones_own(visit: Visit) -> None:
    page = visit("/welcome")
    for i in range(4):
        page.locator(".pick-poster").nth(i).click()
    page.locator(".offer").nth(4).locator(".half-right").nth(4).click()
    expect(page.locator("[data-picked]")).to_have_text("5")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#personal-says")).to_contain_text("Chosen for you based on 5 ratings")


def test_a_long_title_takes_two_lines_keeps_its_year_and_the_stars_in_a_line(visit: Visit) -> None:
    page = visit("/welcome")
    page.locator(".offer .card-title").first.evaluate("title => title.append(' of the Lord of the Rings')")
    heights = page.locator(".offer .card-title").evaluate_all("all => all.map((title) => title.offsetHeight)")
    assert heights[0] > heights[1]
    expect(page.locator(".offer .card-line").first).to_have_text(re.compile(r"^\d{4}$"))
    tops = page.locator(".offer .stars").evaluate_all("all => all.map((stars) => stars.getBoundingClientRect().top)")
    assert len(set(tops[:7])) == 1


def test_a_guest_rates_gets_a_row_signs_up_and_keeps_it(visit: Visit) -> None:
    page = visit("/movies/1")
    for movie, half in ((1, 10), (3, 9), (5, 8)):
        page.goto(f"/movies/{movie}")
        stars(page, movie, half)
        expect(page.locator(".actions-says")).to_contain_text("Saved: ")
    page.goto("/")
    expect(page.locator("#personal-says")).to_contain_text("Chosen for you based on 3 ratings")
    row = page.locator("#for-you-strip .card-title").all_inner_texts()
    page.locator(".who-button").click()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Name").fill("Grace")
    page.get_by_label("Password").fill("four plain words")
    page.get_by_role("button", name="Create account").click()
    expect(page).to_have_url(re.compile("/$"))
    expect(page.locator("#personal-says")).to_contain_text("Chosen for you based on 3 ratings")
    assert page.locator("#for-you-strip .card-title").all_inner_texts() == row
    page.locator(".who-button").click()
    expect(page.locator(".who-name")).to_have_text("Signed in as Grace")


@pytest.mark.parametrize("scripts", [True, False])
def test_other_films_keep_what_is_picked(visit: Visit, scripts: bool) -> None:
    page = visit("/welcome", java_script_enabled=scripts)
    page.locator(".pick-poster").first.click()
    page.get_by_role("button", name="Other movies").click()
    expect(page).to_have_url(re.compile("more=2"))
    expect(page.locator("[data-picked]")).to_have_text("1")
    page.get_by_role("button", name="Other movies").click()
    expect(page).to_have_url(re.compile("more=3"))
    expect(page.locator("[data-picked]")).to_have_text("1")


def test_the_own_row_follows_a_rating_in_the_overlay(visit: Visit) -> None:
    page = visit("/movies/1")
    stars(page, 1, 10)
    expect(page.locator(".actions-says")).to_contain_text("Saved: 5 of 5 stars.")
    page.goto("/")
    expect(page.locator("#personal-says")).to_contain_text("based on 1 rating.")
    overlay = open_overlay(page, page.locator("#for-you-strip .card").first)
    overlay.locator(".half-right").nth(4).click()
    expect(page.locator("#personal-says")).to_contain_text("based on 2 ratings.")


def test_a_newcomers_first_rating_makes_the_row_their_own_at_once(visit: Visit) -> None:
    page = visit("/")
    expect(page.locator("#personal-says")).to_contain_text("Chosen for user")
    card = page.locator("#trending-strip .card").first
    href = card.get_attribute("href")
    overlay = open_overlay(page, card)
    overlay.locator(".half-left").nth(4).click()
    expect(overlay.locator(".actions-says")).to_contain_text("Saved: 4.5 of 5 stars.")
    page.keyboard.press("Escape")
    expect(page.locator("#personal-says")).to_contain_text("Chosen for you based on 1 rating.")
    expect(page.locator("#user-me")).to_have_attribute("aria-current", "true")
    # The rated movie has left Trending Now, and so the focus is on the row that the card stood in.
    expect(page.locator(f'#trending-strip .card[href="{href}"]')).to_have_count(0)
    expect(page.locator("#trending-strip .card")).to_have_count(20)
    expect(page.locator("#trending-strip")).to_be_focused()


def test_a_page_that_the_browser_kept_whole_asks_for_the_rows_again(visit: Visit) -> None:
    """Rated on a movie's page, then Back. Chromium keeps no page under Playwright, so the test sends the event."""
    page = visit("/")
    expect(page.locator("#personal-says")).to_contain_text("Chosen for user")
    send_form(page, "/movies/1/rating", rating=4.5)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator("#personal-says")).to_contain_text("Chosen for you based on 1 rating.")


def test_the_chosen_row_of_another_user_stays_and_so_does_its_place(visit: Visit) -> None:
    page = visit("/?user_id=3")
    overlay = open_overlay(page, page.locator("#for-you-strip .card").nth(12))
    place = page.locator("#for-you-strip").evaluate("strip => strip.scrollLeft")
    assert place > 100
    overlay.locator(".half-right").nth(3).click()
    expect(page.locator("#user-me")).to_contain_text("1 rating")
    expect(page.locator("#personal-says")).to_contain_text("Chosen for user 3")
    page.keyboard.press("Escape")
    expect(page.locator("#for-you-strip .card").nth(12)).to_be_focused()
    assert page.locator("#for-you-strip").evaluate("strip => strip.scrollLeft") == place
    page.locator(".users .chip").nth(1).click()
    expect(page.locator("#personal-says")).not_to_contain_text("Chosen for user 3 ")
    assert page.locator("#for-you-strip").evaluate("strip => strip.scrollLeft") == 0


def test_no_movie_is_twice_in_the_rows_when_another_user_is_chosen(visit: Visit) -> None:
    page = visit("/")
    for chip in range(1, 4):
        page.locator(".users .chip").nth(chip).click()
        expect(page.locator(".users .chip").nth(chip)).to_have_attribute("aria-current", "true")
        hrefs = page.locator(".strip .card").evaluate_all("cards => cards.map((card) => card.pathname)")
        assert len(hrefs) == len(set(hrefs)) > 30


def test_an_account_from_its_door_to_its_profiles(visit: Visit, complaints: list[str]) -> None:
    page = visit("/sign-in")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill("four plain words")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Wrong name or password.")).to_be_focused()
    page.goto("/register")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("A password must have at least 8 characters.")).to_be_visible()
    expect(page.get_by_label("Password")).to_be_focused()
    complaints.clear()  # the browser notes the 422 of the page itself
    page.get_by_label("Password").fill("four plain words")
    page.get_by_role("button", name="Create account").click()
    page.goto("/me/account")
    page.get_by_label("New profile").fill("Kids")
    page.get_by_role("button", name="Create", exact=True).click()
    page.locator(".who-button").click()
    expect(page.locator(".who-profile[aria-current]")).to_have_text("KKids")
    page.keyboard.press("Escape")
    expect(page.locator(".who-menu")).to_be_hidden()
    expect(page.locator(".who-button")).to_be_focused()
    stars_on = page.context.new_page()
    stars_on.goto("/movies/9")
    stars(stars_on, 9, 6)
    expect(stars_on.locator(".actions-says")).to_contain_text("Saved: 3 of 5 stars.")
    for path in ("/me", "/me?show=statistics", "/me?show=reviews", "/me/account"):
        for width, height in WINDOW_SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(path)
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [768, 1440])
def test_poster_and_title_begin_and_buttons_stand_in_lines(visit: Visit, width: int) -> None:
    page = visit("/", width=width)
    overlay = open_overlay(page, page.locator("#trending-strip .card").first)
    tops = {name: overlay.locator(f".{name}").bounding_box() for name in ("movie-poster", "movie-facts")}
    assert len({box["y"] for box in tops.values() if box}) == 1
    for line in [(".stars", ".watch .button"), (".save", ".move")]:
        boxes = [overlay.locator(part).bounding_box() for part in line]
        assert len({round(box["y"] + box["height"] / 2) for box in boxes if box}) == 1


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_on_the_page_save_stands_beside_watched(visit: Visit, width: int, locale: str) -> None:
    page = visit("/movies/1", width=width, locale=locale)
    stars, watched, save = (page.locator(part).bounding_box() for part in (".stars", ".watch .button", ".save"))
    assert stars
    assert watched
    assert save
    assert abs(watched["y"] - save["y"]) < 1
    assert watched["x"] + watched["width"] < save["x"]
    on_one_line = abs(stars["y"] + stars["height"] / 2 - save["y"] - save["height"] / 2) < 2
    assert on_one_line == (width == 1440)


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_on_a_telephone_all_lists_of_ones_own_page_are_in_sight(visit: Visit, locale: str) -> None:
    page = visit("/me?show=statistics", width=360, locale=locale)
    for tab in page.locator(".tab").all():
        expect(tab).to_be_in_viewport(ratio=1)
    expect(page.locator(".tab")).to_have_count(5)
