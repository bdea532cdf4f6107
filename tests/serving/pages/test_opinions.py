"""Ratings, reviews and lists: kept, changed, taken back, refused, on both databases."""

import re
import sqlite3
from pathlib import Path

import pytest
from markupsafe import escape
from starlette.requests import Request

from serving.community import opinions
from serving.community.community import Community
from serving.community.cookies import SESSION_COOKIE
from serving.community.models import BrowserSession, Profile, Rating, Review
from serving.web.visitor_lists import load_filter_sets
from tests.serving.asking import post_json
from tests.serving.conftest import Browser
from tests.serving.pages.test_movie import ids
from tests.serving.visits import (
    BrowserTab,
    Clock,
    find_linked_titles,
    get_chosen_rating,
    get_form_owner,
    get_page_text,
    make_community,
    open_another_tab,
    open_tab,
)


def file_of(visitor: BrowserTab) -> Path:
    found = visitor.app.state.site.community.database.file
    assert isinstance(found, Path)
    return found


def test_a_rating_is_kept_and_shown_again(visitor: BrowserTab) -> None:
    answer = visitor.post("/movies/1/rating", rating="3.5")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/movies/1?said=rated&was=none#actions-1"
    page = visitor.follow_redirect(answer)
    assert get_chosen_rating(page.text) == "3.5"
    assert "Saved: 3.5 of 5 stars" in get_page_text(page)
    assert get_chosen_rating(visitor.get("/movies/1").text) == "3.5"
    assert get_chosen_rating(visitor.get("/movies/2").text) == "none"


@pytest.mark.parametrize("stars", ["0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"])
def test_every_half_star_can_be_given(alone: BrowserTab, stars: str) -> None:
    assert get_chosen_rating(alone.post("/movies/1/rating", htmx=True, rating=stars).text) == stars


def test_ratings_and_days_are_written_as_in_russian(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="2.5")
    answer = alone.send_request(
        "POST", "/movies/1/rating", body=b"rating=3.5", HX_Request="true", Accept_Language="ru",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert "Оценка сохранена: 3,5 из 5" in get_page_text(answer)
    assert "Отменить: вернуть 2,5" in get_page_text(answer)
    alone.post("/movies/1/review", text="Тихо.")
    assert ">1 марта 2026</time>" in alone.get("/movies/1", Accept_Language="ru").text
    assert ">1 марта 2026</time>" in alone.get("/me?show=reviews", Accept_Language="ru").text


def test_htmx_gets_the_form_alone_with_the_truth_in_it(visitor: BrowserTab) -> None:
    answer = visitor.post("/movies/1/rating", htmx=True, rating="4")
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<section class="actions"')
    assert get_chosen_rating(answer.text) == "4"
    assert answer.headers["cache-control"] == "no-store"
    assert "HX-Request" in answer.headers["vary"]


def test_the_same_rating_twice_is_one_rating(visitor: BrowserTab, people: Community) -> None:
    for _ in range(3):
        visitor.post("/movies/1/rating", rating="4")
    with people.database.read_transaction() as session:
        assert session.query(Rating).count() == 1
        assert session.query(Profile).count() == 1


def test_a_rating_can_be_removed(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/rating", rating="4")
    answer = visitor.post("/movies/1/rating", htmx=True, rating="none")
    assert get_chosen_rating(answer.text) == "none"
    assert "Rating removed" in get_page_text(answer)


def test_the_last_change_of_a_rating_can_be_undone(visitor: BrowserTab) -> None:
    first = visitor.post("/movies/1/rating", htmx=True, rating="4")
    assert 'name="rating" value="none"><' not in first.text
    assert re.search(r'type="hidden" name="rating" value="none"', first.text)
    second = visitor.post("/movies/1/rating", htmx=True, rating="2")
    assert "Undo: back to 4" in get_page_text(second)
    assert get_chosen_rating(visitor.post("/movies/1/rating", htmx=True, rating="4").text) == "4"


def test_without_javascript_the_page_offers_undo_too(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="4")
    page = alone.follow_redirect(alone.post("/movies/1/rating", rating="2"))
    assert "Undo: back to 4" in get_page_text(page)


@pytest.mark.parametrize("query", ["said=x&was=4", "said=rated&was=%3Cb%3E", "was=4", "said=rated&was=9"])
def test_an_invented_undo_is_not_offered(alone: BrowserTab, query: str) -> None:
    alone.post("/movies/1/rating", rating="2")
    assert "Undo: back to 4" in get_page_text(alone.get("/movies/1?said=rated&was=4"))
    assert "Undo" not in alone.get(f"/movies/1?{query}").text


SAID = ("rated", "unrated", "saved", "unsaved", "watched", "unwatched", "reviewed", "unreviewed")


@pytest.mark.parametrize("said", SAID)
def test_nothing_is_said_to_have_been_done_by_who_has_done_nothing(alone: BrowserTab, said: str) -> None:
    assert get_page_text(alone.get(f"/movies/1?said={said}&was=4")) == get_page_text(alone.get("/movies/1"))


@pytest.mark.parametrize("said", [said for said in SAID if not said.startswith("un")])
def test_what_has_been_taken_back_is_not_said_to_be_there(alone: BrowserTab, said: str) -> None:
    alone.post("/movies/2/rating", rating="4")
    assert get_page_text(alone.get(f"/movies/1?said={said}&was=4")) == get_page_text(alone.get("/movies/1"))


def test_a_rating_is_not_undone_to_itself(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="4")
    page = get_page_text(alone.get("/movies/1?said=rated&was=4"))
    assert "Saved: 4 of 5 stars." in page
    assert "Undo" not in page


def test_with_two_tabs_the_last_write_wins_and_the_other_sees_it(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/rating", rating="4")
    other = open_another_tab(visitor, same_browser=True)
    other.post("/movies/1/rating", rating="2")
    assert get_chosen_rating(visitor.post("/movies/1/saved", htmx=True, on="1").text) == "2"


@pytest.mark.parametrize(
    "rating",
    ["", "0", "5.5", "4.7", "-1", "NaN", "inf", "1e0", "4.0", " 4", "٤", "4;drop table ratings", "x" * 10_000, "\x00"],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_what_is_no_rating_is_answered_by_a_sentence_and_changes_nothing(
    alone: BrowserTab, rating: str, htmx: bool
) -> None:
    alone.post("/movies/1/rating", rating="4")
    answer = alone.post("/movies/1/rating", htmx=htmx, rating=rating)
    assert answer.status_code == 422
    assert "in steps of half a star" in get_page_text(answer)
    assert get_chosen_rating(answer.text) == "4"
    assert ("<html" in answer.text) is not htmx


def test_a_form_without_its_field_is_refused(alone: BrowserTab) -> None:
    assert alone.post("/movies/1/rating").status_code == 422
    assert alone.post("/movies/1/saved").status_code == 422
    assert alone.post("/movies/1/watched", on="2").status_code == 422
    assert alone.post("/movies/1/review").status_code == 422


def test_a_refused_write_makes_no_guest(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="9")
    assert alone.cookies == {}
    with sqlite3.connect(file_of(alone)) as connection:
        assert connection.execute("SELECT count(*) FROM profiles").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize("what", ["rating", "saved", "watched", "review"])
@pytest.mark.parametrize("movie", ["0", "999999", "abc", "1_0", "9" * 30])
def test_there_is_nothing_to_say_of_a_movie_that_is_not_there(alone: BrowserTab, what: str, movie: str) -> None:
    assert alone.post(f"/movies/{movie}/{what}", rating="4", on="1", text="x").status_code == 404


def test_a_movie_is_saved_and_taken_off_again(visitor: BrowserTab) -> None:
    assert 'aria-pressed="true"' not in visitor.get("/movies/1").text
    for _ in range(2):
        saved = visitor.post("/movies/1/saved", htmx=True, on="1")
        assert re.search(r'value="0">\s+<button[^>]+id="save-1"[^>]+aria-pressed="true"', saved.text)
    for _ in range(2):
        unsaved = visitor.post("/movies/1/saved", htmx=True, on="0")
        assert re.search(r'value="1">\s+<button[^>]+id="save-1"[^>]+aria-pressed="false"', unsaved.text)


def test_whatever_is_rated_counts_as_watched(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/rating", rating="4")
    assert re.search(r'id="watched-1"[^>]+aria-pressed="true" disabled', visitor.get("/movies/1").text)
    visitor.post("/movies/1/rating", rating="none")
    assert re.search(r'id="watched-1"[^>]+aria-pressed="false"', visitor.get("/movies/1").text)


def test_a_movie_is_marked_as_watched_and_not(visitor: BrowserTab) -> None:
    assert re.search(
        r'id="watched-1"[^>]+aria-pressed="true"', visitor.post("/movies/1/watched", htmx=True, on="1").text
    )
    assert re.search(
        r'id="watched-1"[^>]+aria-pressed="false"', visitor.post("/movies/1/watched", htmx=True, on="0").text
    )


def test_a_review_is_kept_edited_and_deleted(visitor: BrowserTab, people: Community) -> None:
    page = visitor.follow_redirect(visitor.post("/movies/1/review", text="Quiet and true.\r\nTwice."))
    assert "Quiet and true.\nTwice." in page.text
    assert "Review posted." in get_page_text(page)
    assert "edited" not in get_page_text(page).split("Your review")[1].split("Similar")[0]
    edited = visitor.post("/movies/1/review", htmx=True, text="Louder.")
    assert "Louder." in edited.text
    assert "edited" in edited.text
    assert "Quiet" not in edited.text
    gone = visitor.post("/movies/1/review", htmx=True, delete="1")
    assert "Review deleted" in get_page_text(gone)
    with people.database.read_transaction() as session:
        assert session.query(Review).count() == 0


def test_the_same_review_twice_is_one_review_and_no_edit(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/review", text="Once.")
    visitor.post("/movies/1/review", text="Once.")
    with people.database.read_transaction() as session:
        assert session.query(Review).one().edited_at is None


def test_others_read_the_review_with_the_rating_beside_it(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/review", text="Quiet and true.")
    visitor.post("/movies/1/rating", rating="4.5")
    page = open_another_tab(visitor).get("/movies/1")
    assert "<bdi>Guest</bdi>" in page.text
    assert "rated it 4.5" in get_page_text(page)
    assert "Quiet and true." in page.text
    assert ">Delete<" not in page.text
    assert ">Delete<" in visitor.get("/movies/1").text


HOSTILE = [
    "<script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 1234 * 1234 }} {% raw %}",
    "<!--",
    "&lt;script&gt;",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(alone: BrowserTab, text: str) -> None:
    for page in (alone.post("/movies/1/review", htmx=True, text=text), open_another_tab(alone).get("/movies/1")):
        assert f'<p class="review-text" dir="auto">{escape(text)}</p>' in page.text
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "a\x1b[31mb", "a\uffffb"])
def test_what_no_database_holds_is_left_out_of_a_review(visitor: BrowserTab, text: str) -> None:
    body = b"text=" + b"".join(b"%%%02X" % byte for byte in text.encode("utf-8", "surrogatepass"))
    answer = visitor.send_request(
        "POST", "/movies/1/review", body=body, Content_Type="application/x-www-form-urlencoded", HX_Request="true"
    )
    assert answer.status_code == 200
    assert re.search("a[^\x00\x1b]*b", answer.text)
    assert "\x00" not in answer.text


def test_bytes_that_are_no_text_do_not_break_a_form(alone: BrowserTab) -> None:
    for kind, body in [
        ("application/x-www-form-urlencoded", b"text=%FF%FE%ED%A0%80&rating=%FF"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\xfe ok\r\n--x--\r\n',
        ),
        ("multipart/form-data", b"--x"),
        ("application/json", b'{"text": "x"}'),
        ("text/plain", b"text=x"),
    ]:
        answer = alone.send_request("POST", "/movies/1/review", body=body, Content_Type=kind)
        assert answer.status_code in {303, 400, 422}, (kind, answer.text)


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "\u200b", "\x00", "\u2028"])
def test_a_review_without_words_is_refused(alone: BrowserTab, text: str) -> None:
    answer = alone.post("/movies/1/review", htmx=True, text=text)
    assert (answer.status_code, "The review is empty" in get_page_text(answer)) == (422, True)


def test_a_review_has_at_most_5000_characters_and_a_longer_one_is_not_lost(alone: BrowserTab) -> None:
    assert alone.post("/movies/1/review", text="é" * 5000).status_code == 303
    long = "é\r\n" * 2500 + "the end"
    answer = alone.post("/movies/2/review", htmx=True, text=long)
    assert answer.status_code == 422
    assert "the end</textarea>" in answer.text
    assert "at most 5,000 characters" in get_page_text(answer)


def test_lines_count_once_however_they_end(alone: BrowserTab) -> None:
    assert alone.post("/movies/1/review", text="ab\r\n" * 1666 + "cd").status_code == 303


def test_a_form_of_a_size_that_nobody_types_is_refused(alone: BrowserTab) -> None:
    answer = alone.post("/movies/1/review", text="x" * 300_000)
    assert answer.status_code == 413
    assert "<html" in answer.text


def test_a_first_write_makes_a_guest_with_a_signed_cookie(visitor: BrowserTab, people: Community) -> None:
    answer = visitor.post("/movies/1/rating", rating="4")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    token = visitor.cookies[SESSION_COOKIE].rsplit(".", 1)[0]
    with people.database.read_transaction() as session:
        visit = session.query(BrowserSession).one()
        assert session.query(Profile).one().account_id is None
    assert token not in {visit.token_hash, str(visit.id), str(visit.profile_id)}


def test_over_https_the_cookie_is_sent_over_https_only(home: Path, tmp_path: Path) -> None:
    answer = open_tab(home, make_community(tmp_path), "https").post("/movies/1/rating", rating="4")
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("form", [("rating", {"rating": "4"}), ("review", {"text": "Yes."}), ("saved", {"on": "1"})])
def test_with_a_guests_first_fragment_the_menu_comes_once(alone: BrowserTab, form: tuple[str, dict[str, str]]) -> None:
    what, fields = form
    first, second = (alone.post(f"/movies/1/{what}", htmx=True, **fields) for _ in range(2))
    assert 'id="who" hx-swap-oob="true"' in first.text
    assert "Menu: Guest" in first.text
    assert 'id="who"' not in second.text


def test_reading_makes_no_guest(alone: BrowserTab) -> None:
    for path in ("/", "/movies", "/movies/1", "/movies/1/reviews"):
        assert "set-cookie" not in alone.get(path).headers
    assert alone.cookies == {}


@pytest.mark.parametrize(
    "cookie", ["", "x", "x.y", "a" * 5000, "é", '"', "..", "\ud800".encode("utf-8", "replace").decode()]
)
def test_a_forged_cookie_is_nobodys(alone: BrowserTab, cookie: str) -> None:
    alone.cookies[SESSION_COOKIE] = cookie
    assert alone.get("/movies/1").status_code == 200


def test_a_cookie_that_was_changed_is_nobodys(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/rating", rating="4")
    thief = open_another_tab(visitor)
    signed = visitor.cookies[SESSION_COOKIE]
    thief.cookies[SESSION_COOKIE] = ("A" if signed[0] != "A" else "B") + signed[1:]
    assert get_chosen_rating(thief.get("/movies/1").text) == "none"
    assert get_chosen_rating(visitor.get("/movies/1").text) == "4"


def test_ids_of_the_site_are_never_user_ids_of_the_data(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/rating", rating="4")
    with people.database.read_transaction() as session:
        profile_id = session.query(Profile).one().id
    assert visitor.get(f"/api/movies/personal?user_id={profile_id}").status_code == 422


def test_an_expired_session_does_not_lose_a_review(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/rating", rating="4")
    drawn = get_form_owner(visitor.get("/movies/1").text)
    assert isinstance(people.clock, Clock)
    people.clock.advance(days=1000)
    answer = visitor.post("/movies/1/review", htmx=True, text="Written for an hour.", **{"as": drawn})
    assert answer.status_code == 409
    assert "your session ended" in get_page_text(answer)
    assert "Written for an hour.</textarea>" in answer.text
    again = visitor.post("/movies/1/review", text="Written for an hour.", **{"as": get_form_owner(answer.text)})
    assert "Written for an hour." in visitor.follow_redirect(again).text


def test_a_page_drawn_for_somebody_else_rates_nothing(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/rating", rating="4")
    answer = visitor.post("/movies/1/rating", rating="1", **{"as": "00000000-0000-0000-0000-000000000000"})
    assert answer.status_code == 409
    assert get_chosen_rating(visitor.get("/movies/1").text) == "4"


def test_a_session_in_use_is_prolonged_and_so_is_its_cookie(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/rating", rating="4")
    assert isinstance(people.clock, Clock)
    for _ in range(4):
        people.clock.advance(days=300)
        page = visitor.get("/movies/1")
        assert get_chosen_rating(page.text) == "4"
        assert f"Max-Age={400 * 24 * 3600}" in page.headers["set-cookie"]
        assert "set-cookie" not in visitor.get("/movies/1").headers


def test_a_guests_first_answer_brings_one_cookie(alone: BrowserTab) -> None:
    for htmx, guest in ((True, alone), (False, open_another_tab(alone))):
        answer = guest.post("/movies/1/rating", htmx=htmx, rating="4")
        assert len(answer.headers.get_list("set-cookie")) == 1


def test_guests_are_not_made_without_end_from_one_address(visitor: BrowserTab, people: Community) -> None:
    for _ in range(30):
        assert open_another_tab(visitor).post("/movies/1/rating", rating="4").status_code == 303
    refused = open_another_tab(visitor).post("/movies/1/review", htmx=True, text="Kept here.")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert "in a short time" in get_page_text(refused)
    assert "Kept here.</textarea>" in refused.text
    assert isinstance(people.clock, Clock)
    people.clock.advance(minutes=61)
    assert open_another_tab(visitor).post("/movies/1/rating", rating="4").status_code == 303


def test_reviews_are_not_written_without_end(alone: BrowserTab) -> None:
    for i in range(30):
        assert alone.post("/movies/1/review", text=f"No. {i}").status_code == 303
    assert alone.post("/movies/1/review", text="One more").status_code == 429


def test_where_an_account_is_required_guests_are_invited_politely(home: Path, tmp_path: Path) -> None:
    guest = open_tab(home, make_community(tmp_path, needs_account=True))
    page = guest.get("/movies/1")
    assert "Want to rate, save and review movies?" in get_page_text(page)
    assert 'href="/sign-in?back=/movies/1"' in page.text
    assert 'class="stars" disabled' in page.text
    answer = guest.post("/movies/1/review", htmx=True, text="Mine")
    assert answer.status_code == 403
    assert "Mine</textarea>" in answer.text
    assert guest.post("/movies/1/rating", rating="4").status_code == 403
    assert guest.cookies == {}


def test_where_an_account_is_required_since_guests_still_take_away_what_they_left(home: Path, tmp_path: Path) -> None:
    before = open_tab(home, make_community(tmp_path))
    before.post("/movies/1/rating", rating="4")
    before.post("/movies/2/saved", on="1")
    before.post("/movies/2/watched", on="1")
    before.post("/movies/3/review", text="Mine.")
    guest = open_tab(home, make_community(tmp_path, needs_account=True))
    guest.cookies = before.cookies
    assert "Delete your rating" in get_page_text(guest.get("/movies/1"))
    assert not re.search(r'id="(save|watched)-2"[^>]+disabled', guest.get("/movies/2").text)
    for what, fields in [
        ("1/rating", {"rating": "none"}),
        ("2/saved", {"on": "0"}),
        ("2/watched", {"on": "0"}),
        ("3/review", {"delete": "1"}),
    ]:
        assert guest.post(f"/movies/{what}", **fields).status_code == 303
    for what, fields in [("1/rating", {"rating": "4"}), ("2/saved", {"on": "1"}), ("3/review", {"text": "Mine."})]:
        assert guest.post(f"/movies/{what}", **fields).status_code == 403
    assert guest.post("/me/delete", sure="1").headers["location"] == "/"
    assert guest.cookies == {}
    assert open_another_tab(guest).post("/movies/2/saved", on="0").status_code == 403


def test_while_somebody_holds_the_database_nothing_is_kept_and_it_is_said(
    alone: BrowserTab, caplog: pytest.LogCaptureFixture
) -> None:
    alone.post("/movies/1/rating", rating="4")
    lock = sqlite3.connect(file_of(alone), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for what, fields in (("rating", {"rating": "1"}), ("saved", {"on": "1"}), ("review", {"text": "Unkept"})):
        answer = alone.post(f"/movies/1/{what}", htmx=True, **fields)
        assert answer.status_code == 503
        assert answer.headers["x-fragment"] == "true"
        assert "This could not be saved" in get_page_text(answer)
    assert "Unkept</textarea>" in answer.text
    assert get_chosen_rating(alone.get("/movies/1").text) == "4"
    assert "locked" in caplog.text
    lock.close()
    assert alone.post("/movies/1/rating", rating="1").status_code == 303


def test_without_its_database_the_pages_stand_and_say_so(alone: BrowserTab, caplog: pytest.LogCaptureFixture) -> None:
    alone.post("/movies/1/rating", rating="4")
    file_of(alone).unlink()
    for path in ("/", "/movies", "/movies/1", "/movies/1/reviews"):
        assert alone.get(path).status_code == 200
    page = get_page_text(alone.get("/movies/1"))
    assert "not available right now" in page
    assert "Similar movies" in page
    assert alone.post("/movies/1/rating", rating="1").status_code == 503
    assert "unable to open" in caplog.text


def test_with_a_database_that_never_came_the_pages_stand(home: Path, tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file where the folder should be")
    visitor = open_tab(home, make_community(tmp_path))
    assert visitor.get("/movies/1").status_code == 200
    assert visitor.post("/movies/1/rating", rating="1").status_code == 503


def test_many_reviews_are_shown_page_by_page(visitor: BrowserTab, people: Community) -> None:
    for i in range(23):
        open_another_tab(visitor).post("/movies/1/review", text=f"Review no. {i:02d}.")
        assert isinstance(people.clock, Clock)
        people.clock.advance(minutes=1)
    first, last = visitor.get("/movies/1/reviews"), visitor.get("/movies/1/reviews?page=3")
    assert re.findall(r"Review no. (\d+)", first.text) == [f"{i:02d}" for i in range(22, 12, -1)]
    assert re.findall(r"Review no. (\d+)", last.text) == ["02", "01", "00"]
    assert "23 from other people" in get_page_text(visitor.get("/movies/1"))
    for page in ("4", "0", "x", "9" * 9):
        assert visitor.get(f"/movies/1/reviews?page={page}").status_code == 404


def test_ratings_come_oldest_first_as_the_fold_in_wants_them(visitor: BrowserTab, people: Community) -> None:
    assert isinstance(people.clock, Clock)
    for movie in (3, 1, 2):
        visitor.post(f"/movies/{movie}/rating", rating="4")
        people.clock.advance(seconds=1)
    with people.database.read_transaction() as session:
        assert opinions.list_ratings(session, session.query(Profile).one().id) == [(3, 4.0), (1, 4.0), (2, 4.0)]


def test_a_search_can_leave_out_what_was_watched_or_keep_to_the_watchlist(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/rating", rating="4")
    visitor.post("/movies/2/watched", on="1")
    visitor.post("/movies/3/saved", on="1")
    request = Request({"type": "http", "app": visitor.app, "headers": [(b"cookie", cookie_of(visitor))]})
    assert load_filter_sets(request) == {"seen": {1, 2}, "saved": {3}}
    assert load_filter_sets(Request({"type": "http", "app": visitor.app, "headers": []})) == {}
    assert sorted(ids(visitor.get("/search?only=seen").text)) == [1, 2]
    assert [movie["movie_id"] for movie in visitor.get("/api/movies?only=saved").json()["movies"]] == [3]


def cookie_of(visitor: BrowserTab) -> bytes:
    return f"{SESSION_COOKIE}={visitor.cookies[SESSION_COOKIE]}".encode()


def test_a_movie_says_which_ratings_speak_for_it(alone: BrowserTab) -> None:
    """Even movies are of one taste, odd ones of the other."""
    assert "Because you rated" not in alone.get("/movies/8").text
    for movie_id in (2, 4, 6):
        alone.post(f"/movies/{movie_id}/rating", rating="5")
    told = find_linked_titles(alone.get("/movies/8").text, "Because you rated ")
    assert told
    assert set(told) <= {"Movie 2", "Movie 4", "Movie 6"}
    assert "Because you rated" not in alone.get("/movies/4").text  # rated already


def test_what_speaks_for_a_movie_is_what_an_explanation_names(alone: BrowserTab) -> None:
    """However many were rated: odd ones first, then even ones, all in one moment of the stopped clock, so by id."""
    rated = [*range(1, 32, 2), *range(2, 21, 2)]
    for movie_id in rated:
        alone.post(f"/movies/{movie_id}/rating", rating="5")
    question = {"ratings": [{"movie_id": movie_id, "rating": 5} for movie_id in sorted(rated)], "explain": True}
    movies = post_json(Browser(alone.app), "/api/fold-in", question).json()["movies"]
    assert len(movies) == 10
    for movie in movies:
        named = [each["title"] for each in movie["explanation"]["because_of"]]
        assert find_linked_titles(alone.get(f"/movies/{movie['movie_id']}").text, "Because you rated ") == named
