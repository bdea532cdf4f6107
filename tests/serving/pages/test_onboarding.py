"""The first visit: five films, and recommendations are there; every later rating changes them."""

import re
from pathlib import Path

import pytest

from movierec.catalog.catalog import Movie
from serving.pages.onboarding import interleave_movies
from tests.broken import break_ranker
from tests.serving.pages.test_home import personal_ids
from tests.serving.visits import (
    BrowserTab,
    get_form_owner,
    get_page_text,
    make_community,
    open_another_tab,
    open_tab,
)


def offered(visitor: BrowserTab, path: str = "/welcome") -> list[int]:
    return [int(found) for found in re.findall(r'name="pick-(\d+)"', visitor.get(path).text)]


def film(movie_id: int, year: int, genre: str) -> Movie:
    return Movie(movie_id, str(movie_id), year, (genre,), 1.0, 4.0, 10, None, None)


def test_popular_films_take_turns_by_genre_and_decade() -> None:
    films = [
        film(1, 1994, "Drama"),
        film(2, 1995, "Drama"),
        film(3, 1999, "War"),
        film(4, 1972, "War"),
        film(5, 1988, "Drama"),
    ]
    assert [movie.movie_id for movie in interleave_movies(films)] == [1, 4, 2, 3, 5]


def test_of_a_series_the_most_popular_film_is_offered() -> None:
    films = [film(i, 1970 + i, "War")._replace(title=title) for i, title in enumerate(["B: 2", "A", "B: 1", "A: 3"])]
    assert [movie.movie_id for movie in interleave_movies(films)] == [0, 1]


def test_five_picks_make_a_row_of_ones_own_at_once(visitor: BrowserTab) -> None:
    # Everybody on the checkerboard who likes odd movies likes all odd movies.
    odd = [movie for movie in offered(visitor) if movie % 2][:5]
    answer = visitor.post("/welcome", **{f"pick-{movie}": "1" for movie in odd})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?user_id=me#for-you")
    page = visitor.follow_redirect(answer)
    assert "Chosen for you based on 5 ratings" in get_page_text(page)
    ids = personal_ids(page.text)
    assert set(odd).isdisjoint(ids)
    assert all(movie % 2 for movie in ids[:5])


def test_a_later_rating_changes_the_row_on_the_next_request(visitor: BrowserTab) -> None:
    for movie in (1, 3, 5, 7, 9):
        visitor.post(f"/movies/{movie}/rating", rating="5")
    before = personal_ids(visitor.get("/?user_id=me").text)
    visitor.post(f"/movies/{before[0]}/rating", rating="5")
    after = personal_ids(visitor.get("/?user_id=me").text)
    assert len(after) == len(before) == 20
    assert before[0] not in after
    assert "based on 6 ratings" in get_page_text(visitor.get("/?user_id=me"))


def test_who_has_rated_something_sees_the_own_row_first(visitor: BrowserTab) -> None:
    assert 'id="user-me"' not in visitor.get("/").text
    visitor.post("/movies/1/rating", rating="5")
    page = visitor.get("/").text
    assert re.search(r'id="user-me"[^>]+aria-current="true"', page)
    assert "Chosen for you based on 1 rating." in get_page_text(visitor.get("/"))


def test_a_newcomers_row_follows_their_first_rating_and_the_row_of_a_chosen_user_stays(
    visitor: BrowserTab,
) -> None:
    """A page keeps the address that its row asks for again after a rating."""
    addresses = {path: find_row_address(visitor.get(path).text) for path in ("/", "/?user_id=3", "/?user_id=me")}
    assert addresses == {"/": "/", "/?user_id=3": "/?user_id=3", "/?user_id=me": "/?user_id=me"}
    visitor.post("/movies/1/saved", on="1")
    assert "Chosen for user" in visitor.get("/", HX_Request="true").text  # nothing to choose by yet
    visitor.post("/movies/1/rating", htmx=True, rating="4.5")
    own = visitor.get("/", HX_Request="true")
    assert "Chosen for you based on 1 rating." in get_page_text(own)
    assert re.search(r'id="user-me"[^>]+aria-current="true"', own.text)
    theirs = visitor.get("/?user_id=3", HX_Request="true")
    assert "Chosen for user 3 based on 19 ratings." in get_page_text(theirs)
    assert re.search(r'id="user-me"[^>]+>Me <small>1 rating', theirs.text)


def find_row_address(html: str) -> str:
    found = re.search(r'id="personal"[^>]+hx-get="([^"]+)" hx-trigger="opinion from:body"', html)
    assert found
    return found[1]


def test_who_has_signed_in_stands_among_the_users_before_the_first_rating(alone: BrowserTab) -> None:
    assert 'id="user-me"' not in alone.get("/").text
    assert alone.post("/register", name="Ada", password="four plain words here").status_code == 303
    assert re.search(r'id="user-me" href="/welcome">Me <small>Pick five movies', alone.get("/").text)
    alone.post("/movies/1/rating", rating="5")
    assert re.search(r'id="user-me" href="/\?user_id=me', alone.get("/").text)


def because_ids(html: str) -> list[int]:
    """The movies in the rows "Because you liked X"."""
    rows = html[html.index('id="personal"') : html.index(">All movies</h2>")].split('class="because"')[1:]
    return [int(found) for row in rows for found in re.findall(r'class="card" href="/movies/(\d+)[?"]', row)]


def test_a_movie_marked_as_watched_leaves_the_rows_of_ones_own_and_others_follow(
    many_movies: Path, tmp_path: Path
) -> None:
    visitor = open_tab(many_movies, make_community(tmp_path))
    for movie in (1, 3, 5):
        visitor.post(f"/movies/{movie}/rating", rating="5")
    before = visitor.get("/?user_id=me").text
    row = personal_ids(before)
    watched = {row[0], row[7], because_ids(before)[0]}
    for movie in watched:
        visitor.post(f"/movies/{movie}/watched", on="1")
    for path in ("/", "/?user_id=me"):
        page = visitor.get(path).text
        assert watched.isdisjoint(personal_ids(page) + because_ids(page))
        assert len(personal_ids(page)) == len(row) == 20
        assert because_ids(page)
        assert "based on 3 ratings" in page
    for movie in watched:
        visitor.post(f"/movies/{movie}/watched", on="0")
    assert personal_ids(visitor.get("/?user_id=me").text) == row


def test_a_movie_marked_as_watched_leaves_the_row_that_a_newcomer_is_shown(visitor: BrowserTab) -> None:
    before = personal_ids(visitor.get("/").text)
    visitor.post(f"/movies/{before[0]}/watched", on="1")
    page = visitor.get("/").text
    assert before[0] not in personal_ids(page) + because_ids(page)
    assert len(personal_ids(page)) == len(before)


def test_another_users_row_can_be_looked_at_and_stays_theirs(visitor: BrowserTab) -> None:
    before = personal_ids(visitor.get("/?user_id=4").text)
    visitor.post("/movies/1/rating", rating="5")
    page = visitor.get("/?user_id=4")
    assert personal_ids(page.text) == before
    assert "Chosen for user 4" in get_page_text(page)
    assert re.search(r'id="user-me" href="/\?user_id=me#for-you"', page.text)


def test_htmx_gets_ones_own_row_alone(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="5")
    fragment = alone.get("/?user_id=me", HX_Request="true").text
    assert fragment.startswith("<section")
    assert "opinion from:body" in fragment


def test_me_without_ratings_is_told_how_to_begin(alone: BrowserTab) -> None:
    page = alone.get("/?user_id=me")
    assert page.status_code == 200
    assert "You have not rated any movies yet" in get_page_text(page)
    assert 'href="/welcome"' in page.text


def test_a_failing_fold_in_costs_the_row_not_the_page(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="5")
    break_ranker(alone.app, "the trees are gone")
    page = alone.get("/")
    assert page.status_code == 200
    assert "Your recommendations are not available" in get_page_text(page)


def test_without_a_database_home_stands_and_shows_a_preset_user(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="5")
    file = alone.app.state.site.community.database.file
    file.unlink()
    assert "Chosen for user" in get_page_text(alone.get("/"))
    assert alone.get("/welcome").status_code == 200
    assert alone.post("/welcome", **{"pick-2": "1"}).status_code == 503


def test_a_pick_is_four_stars_and_stars_say_it_more_exactly(alone: BrowserTab) -> None:
    alone.post("/welcome", **{"pick-1": "1", "pick-2": "1", "rating-2": "1.5", "rating-3": "5", "rating-4": "none"})
    page = alone.get("/me?show=rated").text
    found = dict(re.findall(r'href="/movies/(\d+)".*?Your rating: ([\d.]+)', page, re.DOTALL))
    assert found == {"1": "4.0", "2": "1.5", "3": "5.0"}


def test_fewer_than_five_are_kept_and_more_are_asked_for(alone: BrowserTab) -> None:
    answer = alone.post("/welcome", **{"pick-1": "1", "pick-2": "1", "more": "1"})
    assert answer.headers["location"].startswith("/welcome?more=2")
    page = alone.get("/welcome")
    assert "2 of five" in get_page_text(page)
    assert "See my recommendations" in get_page_text(page)
    assert {1, 2}.isdisjoint(offered(alone))


def test_other_films_follow_though_five_are_picked(alone: BrowserTab) -> None:
    picks = {f"pick-{movie}": "1" for movie in range(1, 6)}
    assert alone.post("/welcome", **picks, other="1", more="2").headers["location"].startswith("/welcome?more=3")
    assert "5 of five" in get_page_text(alone.get("/welcome?more=3"))


def test_films_of_the_next_screen_are_others(alone: BrowserTab) -> None:
    assert len(offered(alone)) == 18
    assert set(offered(alone)).isdisjoint(offered(alone, "/welcome?more=2"))
    assert alone.post("/welcome", other="1", more="1").headers["location"].startswith("/welcome?more=2")
    assert alone.cookies == {}


@pytest.mark.parametrize(
    "path", ["/welcome?more=999", "/welcome?more=x", "/welcome?more=-1", "/welcome?more=" + "9" * 99]
)
def test_a_screen_that_is_not_there_is_harmless(alone: BrowserTab, path: str) -> None:
    assert alone.get(path).status_code == 200


def test_it_can_be_skipped(alone: BrowserTab) -> None:
    assert 'href="/">Skip' in alone.get("/welcome").text
    assert 'href="/movies/3">Skip' in alone.get("/welcome?back=/movies/3").text
    assert 'href="/">Skip' in alone.get("/welcome?back=//evil.example").text


def test_nothing_picked_is_said_and_kept_nowhere(alone: BrowserTab) -> None:
    answer = alone.post("/welcome", **{"rating-1": "none"})
    assert (answer.status_code, "You have not picked any movies yet" in get_page_text(answer)) == (422, True)
    assert alone.cookies == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"pick-999999": "1"},
        {"pick-x": "1"},
        {"rating-1": "9"},
        {"pick-": "1"},
        {"rating-1": "<b>"},
        {"pick-٣": "1"},
        {"pick-" + "9" * 99: "1"},
    ],
)
def test_fields_that_make_no_sense_pick_nothing(alone: BrowserTab, fields: dict[str, str]) -> None:
    assert alone.post("/welcome", **fields).status_code == 422


def test_picks_are_not_lost_when_the_session_ended(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="5")
    drawn = get_form_owner(alone.get("/welcome").text)
    stranger = open_another_tab(alone)
    answer = stranger.post("/welcome", **{"pick-2": "1", "as": drawn})
    assert answer.status_code == 409
    assert re.search(r'name="pick-2" value="1" checked', answer.text)
