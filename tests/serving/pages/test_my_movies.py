"""One's own page: lists, statistics, profiles, sessions, export and farewell."""

import json
import re
import sqlite3
from datetime import UTC, date, datetime
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import pytest

from movierec.catalog.catalog import Movie
from serving.community.community import Community
from serving.community.models import MOVIE_RECORDS, Account, Attempts, BrowserSession, Profile
from serving.i18n.languages import Language
from serving.pages.charts import CHARTS, BarChart, ChartedMovie, draw_chart, list_time_spans
from tests.serving.pages.test_sign_in import PASSWORD, clock_of, people_of, register, sign_in
from tests.serving.visits import BrowserTab, assert_signed_out, get_chosen_rating, get_page_text, open_another_tab


@pytest.fixture
def ada(alone: BrowserTab) -> BrowserTab:
    register(alone)
    return alone


ENGLISH = Language("en")


def movies_on(visitor: BrowserTab, show: str) -> list[int]:
    page = visitor.get(f"/me?show={show}").text.split('class="tabs"')[1]
    return [int(found) for found in re.findall(r'class="card" href="/movies/(\d+)"', page)]


def profiles_of(visitor: BrowserTab) -> dict[str, str]:
    """Ids by name."""
    page = visitor.get("/me/account").text
    return {name: each for each, name in re.findall(r'id="name-([0-9a-f-]{36})" name="name" value="([^"]*)"', page)}


def profile_in_use(visitor: BrowserTab) -> str:
    (name,) = re.findall(r'aria-current="true"><span[^>]+>.</span><bdi>(.+?)</bdi>', visitor.get("/").text)
    return str(name)


def test_each_list_has_what_was_left_newest_first(visitor: BrowserTab) -> None:
    for what, movie, fields in [
        ("rating", 1, {"rating": "4"}),
        ("rating", 2, {"rating": "2"}),
        ("watched", 3, {"on": "1"}),
        ("saved", 4, {"on": "1"}),
        ("saved", 1, {"on": "1"}),
    ]:
        visitor.post(f"/movies/{movie}/{what}", **fields)
        clock_of(visitor).advance(minutes=1)
    visitor.post("/movies/5/review", text="Quiet & true.")
    assert movies_on(visitor, "watched") == [3, 2, 1]
    assert movies_on(visitor, "rated") == [2, 1]
    assert movies_on(visitor, "watchlist") == [1, 4]
    reviews = visitor.get("/me?show=reviews").text
    assert "Quiet &amp; true." in reviews
    assert "Watchlist 2" in get_page_text(visitor.get("/me"))


def test_the_page_of_nobody_says_what_will_be_there(alone: BrowserTab) -> None:
    for show in ("watched", "watchlist", "rated", "reviews", "statistics"):
        answer = alone.get(f"/me?show={show}")
        assert answer.status_code == 200
        assert "Pick five movies" in get_page_text(answer)
    assert alone.cookies == {}


@pytest.mark.parametrize(
    "path",
    [
        "/me?show=secrets",
        "/me?page=2",
        "/me?page=x",
        "/me?page=0",
        "/me/pictures/x",
        "/me/export",
        "/me/profiles/x/switch",
    ],
)
def test_what_is_not_there_is_404_or_not_to_be_read(alone: BrowserTab, path: str) -> None:
    assert alone.get(path).status_code in {404, 405}


def test_a_film_is_taken_off_the_watchlist_on_the_page_itself(alone: BrowserTab) -> None:
    alone.post("/movies/4/saved", on="1")
    answer = alone.post("/movies/4/saved", on="0", back="/me?show=watchlist")
    assert answer.headers["location"] == "/me?show=watchlist"
    assert movies_on(alone, "watchlist") == []


def test_a_movie_that_left_the_catalogue_is_counted_not_lost(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="4")
    with sqlite3.connect(people_of(alone).database.file or "") as connection:
        connection.execute("UPDATE ratings SET movie_id = 999999")
    connection.close()
    assert "1 more movie is no longer in the catalogue" in get_page_text(alone.get("/me?show=rated"))
    assert json.loads(alone.get("/me/export").text)["profiles"][0]["ratings"][0]["movie_id"] == 999999


def test_pictures_are_drawn_of_what_was_watched(alone: BrowserTab) -> None:
    for movie, rating in ((1, "4"), (2, "4"), (3, "0.5")):
        alone.post(f"/movies/{movie}/rating", rating=rating)
    page = alone.get("/me?show=statistics").text
    for name in CHARTS:
        assert f'src="/me/pictures/{name}"' in page
        answer = alone.get(f"/me/pictures/{name}")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["cache-control"] == "private, no-store"
        ElementTree.fromstring(answer.content)  # noqa: S314
        assert "style" not in answer.text
    assert ">2</text>" in alone.get("/me/pictures/ratings").text


def movie(year: int | None, *genres: str) -> Movie:
    return Movie(1, "A", year, genres, None, None, 0, None, None)


def seen(
    day: int, *, month: int = 1, year: int | None = 1994, genres: tuple[str, ...] = (), stars: float = 4
) -> ChartedMovie:
    return ChartedMovie(movie(year, *genres), datetime(2026, month, day, tzinfo=UTC), stars)


def test_ratings_are_counted_by_half_stars() -> None:
    bars = CHARTS["ratings"](
        [seen(1, stars=0.5), seen(1, stars=5), seen(2, stars=5), ChartedMovie(movie(1990), seen(1).watched_at, None)],
        ENGLISH,
    )
    assert bars.labels[0] == "0.5"
    assert bars.totals == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]


def test_decades_without_a_movie_stand_between_the_others() -> None:
    bars = CHARTS["decades"]([seen(1, year=1969), seen(1, year=1994), seen(1, year=None)], ENGLISH)
    assert dict(zip(bars.labels, bars.totals, strict=True)) == {"1960": 1, "1970": 0, "1980": 0, "1990": 1}


def test_genres_are_counted_by_month_once_a_fortnight_has_passed() -> None:
    watched = [seen(1, genres=("Drama",)), seen(2, genres=("Drama", "War")), seen(3, month=3, genres=("War",)), seen(4)]
    bars = CHARTS["genres"](watched, ENGLISH)
    assert bars.labels == ["2026-01", "2026-02", "2026-03"]
    assert bars.names == ["Drama", "War", "others"]
    assert bars.parts == [[2, 0, 1], [0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("last", "labels"),
    [
        (date(2026, 1, 3), ["01.01.", "02.01.", "03.01."]),
        (date(2026, 1, 15), ["2026-01"]),
        (date(2027, 1, 31), [f"2026-{month:02}" for month in range(1, 13)] + ["2027-01"]),
        (date(2028, 6, 1), ["2026", "2027", "2028"]),
        (date(2050, 6, 1), [str(year) for year in range(2037, 2051)]),
    ],
)
def test_spans_of_time_stand_side_by_side_without_a_gap(last: date, labels: list[str]) -> None:
    assert list_time_spans(date(2026, 1, 1), last)[1] == labels


def test_statistics_stand_in_tables_too(alone: BrowserTab) -> None:
    for movie_id, rating in ((1, "4"), (2, "4"), (3, "0.5")):
        alone.post(f"/movies/{movie_id}/rating", rating=rating)
    page = alone.get("/me?show=statistics", Accept_Language="ru").text
    rows = re.findall(r'<th scope="row">([^<]+)</th><td>(\d+)</td>', page)
    assert {("0,5", "1"), ("4", "2"), ("5", "0")} <= set(rows)
    assert page.count("<table>") == 3


def test_genres_have_their_russian_names_in_the_picture(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="4")
    drawn = alone.get("/me/pictures/genres", Accept_Language="ru").text
    assert re.search("Боевик|Комедия|Фантастика", drawn)
    assert not re.search("Action|Comedy|Sci-Fi", drawn)


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_a_picture_of_nothing_is_a_picture(name: str) -> None:
    ElementTree.fromstring(draw_chart(CHARTS[name]([], ENGLISH)))  # noqa: S314


def test_a_genre_with_markup_in_its_name_is_text_in_the_picture() -> None:
    ElementTree.fromstring(draw_chart(BarChart(["<b>"], ["<i>", "&"], [[1, 2]])))  # noqa: S314


def test_an_account_has_several_profiles_each_with_its_own_ratings(ada: BrowserTab) -> None:
    ada.post("/movies/1/rating", rating="4")
    ada.post("/me/profiles", name="Kids")
    assert profile_in_use(ada) == "Kids"
    assert get_chosen_rating(ada.get("/movies/1").text) == "none"
    ada.post("/movies/1/rating", rating="1")
    answer = ada.send_request(
        "POST",
        f"/me/profiles/{profiles_of(ada)['Ada']}/switch",
        Sec_Fetch_Site="same-origin",
        Referer="http://site/movies/1",
    )
    assert answer.headers["location"] == "/movies/1"
    assert get_chosen_rating(ada.follow_redirect(answer).text) == "4"


def test_a_profile_is_renamed_and_deleted(visitor: BrowserTab, people: Community) -> None:
    register(visitor)
    visitor.post("/me/profiles", name="Kids")
    visitor.post("/movies/1/rating", rating="1")
    kids = profiles_of(visitor)["Kids"]
    visitor.post(f"/me/profiles/{kids}/rename", name="Children")
    assert profile_in_use(visitor) == "Children"
    assert visitor.post(f"/me/profiles/{kids}/delete").status_code == 422
    assert visitor.post(f"/me/profiles/{kids}/delete", sure="1").status_code == 303
    assert list(profiles_of(visitor)) == ["Ada"]
    assert profile_in_use(visitor) == "Ada"
    with people.database.read_transaction() as session:
        assert [session.query(record).count() for record in MOVIE_RECORDS] == [0, 0, 0, 0]


def test_profiles_of_an_account_have_different_names(ada: BrowserTab) -> None:
    ada.post("/me/profiles", name="Kids")
    twice = ada.post("/me/profiles", name=" kids")
    renamed = ada.post(f"/me/profiles/{profiles_of(ada)['Kids']}/rename", name="ADA")
    for answer in (twice, renamed):
        assert (answer.status_code, "A profile with this name already exists." in get_page_text(answer)) == (422, True)
    assert ada.post(f"/me/profiles/{profiles_of(ada)['Kids']}/rename", name="KIDS").status_code == 303
    assert set(profiles_of(ada)) == {"Ada", "KIDS"}


def test_the_last_profile_stays(ada: BrowserTab) -> None:
    answer = ada.post(f"/me/profiles/{profiles_of(ada)['Ada']}/delete", sure="1")
    assert (answer.status_code, "at least one profile" in get_page_text(answer)) == (422, True)


def test_there_are_at_most_eight_profiles(ada: BrowserTab) -> None:
    for i in range(7):
        assert ada.post("/me/profiles", name=f"No {i}").status_code == 303
    answer = ada.post("/me/profiles", name="No 8")
    assert (answer.status_code, "at most eight profiles" in get_page_text(answer)) == (422, True)


@pytest.mark.parametrize("name", ["", " ", "x" * 41, "<b>", "\u202e"])
def test_a_profile_needs_a_name_that_can_be_shown(ada: BrowserTab, name: str) -> None:
    assert ada.post("/me/profiles", name=name).status_code == 422
    assert ada.post(f"/me/profiles/{profiles_of(ada)['Ada']}/rename", name=name).status_code == 422


@pytest.mark.parametrize("what", ["switch", "rename", "delete"])
def test_profiles_of_others_are_out_of_reach(ada: BrowserTab, what: str) -> None:
    eve = open_another_tab(ada)
    register(eve, name="Eve")
    for profile in (profiles_of(ada)["Ada"], str(uuid4()), "x", "0" * 36):
        assert eve.post(f"/me/profiles/{profile}/{what}", name="Mine", sure="1").status_code == 404
    assert list(profiles_of(ada)) == ["Ada"]


def test_nobody_and_guests_have_no_account_to_change(alone: BrowserTab) -> None:
    for _ in range(2):
        for path in ("/me/profiles", f"/me/profiles/{uuid4()}/switch", "/me/password", f"/me/sessions/{uuid4()}/end"):
            answer = alone.post(path, name="X", old="x", password=PASSWORD)
            assert answer.status_code == 403
        alone.post("/movies/1/rating", rating="4")


def test_sessions_are_listed_and_one_can_be_ended_from_another(visitor: BrowserTab) -> None:
    register(visitor)
    phone = open_another_tab(visitor)
    sign_in(phone)
    page = visitor.get("/me/account").text
    (other,) = re.findall(r'action="/me/sessions/([0-9a-f-]{36})/end"', page)
    assert "this browser" in page
    assert visitor.post(f"/me/sessions/{other}/end").status_code == 303
    assert_signed_out(phone)
    assert "Signed in as" in get_page_text(visitor.get("/"))


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 "
            "Safari/537.36 Edg/140.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile "
            "Safari/537.36",
            "Chrome, Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown browser"),
    ],
)
def test_a_session_names_browser_and_system_in_words(alone: BrowserTab, agent: str, told: str) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded", "User_Agent": agent}
    alone.send_request("POST", "/movies/1/rating", body=b"rating=4", **form)
    assert f"<p>{told}</p>" in alone.get("/me/account").text


def test_sessions_of_others_cannot_be_ended(ada: BrowserTab) -> None:
    with people_of(ada).database.read_transaction() as session:
        visit_id = session.query(BrowserSession).one().id
    eve = open_another_tab(ada)
    register(eve, name="Eve")
    eve.post(f"/me/sessions/{visit_id}/end")
    assert "Signed in as Ada" in get_page_text(ada.get("/"))


def test_a_new_password_ends_every_other_session(visitor: BrowserTab) -> None:
    register(visitor)
    phone = open_another_tab(visitor)
    sign_in(phone)
    wrong = visitor.post("/me/password", old="not it", password="a new one here")
    assert (wrong.status_code, "Wrong password" in get_page_text(wrong)) == (422, True)
    assert visitor.post("/me/password", old=PASSWORD, password="short").status_code == 422
    assert visitor.post("/me/password", old=PASSWORD, password="a new one here").status_code == 303
    assert_signed_out(phone)
    assert "Signed in as" in get_page_text(visitor.get("/"))
    assert open_another_tab(visitor).post("/sign-in", name="Ada", password=PASSWORD).status_code == 422
    sign_in(open_another_tab(visitor), password="a new one here")


def test_the_old_password_is_not_guessed_without_end(visitor: BrowserTab) -> None:
    register(visitor)
    for i in range(10):
        assert visitor.post("/me/password", old=f"guess {i}", password="a new one here").status_code == 422
    assert visitor.post("/me/password", old=PASSWORD, password="a new one here").status_code == 429


def test_the_export_has_everything_but_the_password(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/rating", rating="4.5")
    visitor.post("/movies/1/review", text="Tränen, 涙 & <b>.")
    visitor.post("/movies/2/saved", on="1")
    visitor.post("/movies/3/watched", on="1")
    register(visitor)
    clock_of(visitor).advance(seconds=1)
    visitor.post("/me/profiles", name="Kids")
    answer = visitor.get("/me/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="movierec.json"'
    assert answer.headers["cache-control"] == "private, no-store"
    found = json.loads(answer.text)
    assert found["account"]["name"] == "Ada"
    assert found["sessions"] == [
        {
            "agent": "python-httpx/" + httpx.__version__,
            "created_at": "2026-03-01T12:00:00+00:00",
            "seen_at": "2026-03-01T12:00:00+00:00",
            "expires_at": "2026-04-30T12:00:00+00:00",
        }
    ]
    first, second = found["profiles"]
    assert (first["name"], second["name"]) == ("Ada", "Kids")
    assert first["ratings"] == [{"movie_id": 1, "rating": 4.5, "rated_at": "2026-03-01T12:00:00+00:00"}]
    assert first["reviews"][0]["text"] == "Tränen, 涙 & <b>."
    assert [row["movie_id"] for row in first["watchlist"] + first["watched"]] == [2, 3]
    with people_of(visitor).database.read_transaction() as session:
        assert session.query(Account).one().password not in answer.text


def test_an_account_is_deleted_with_all_it_left(visitor: BrowserTab, people: Community) -> None:
    register(visitor)
    visitor.post("/movies/1/review", text="Soon gone.")
    assert "Soon gone." in open_another_tab(visitor).get("/movies/1").text
    for fields in ({}, {"sure": "1"}, {"sure": "1", "old": "wrong"}, {"old": PASSWORD}):
        assert visitor.post("/me/delete", **fields).status_code == 422
    answer = visitor.post("/me/delete", sure="1", old=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert visitor.cookies == {}
    with people.database.read_transaction() as session:
        assert [session.query(each).count() for each in (Account, Profile, BrowserSession, *MOVIE_RECORDS)] == [0] * 7
        # What is left are counts of addresses, as keyed hashes: no id of the account or its profiles.
        assert all(len(who) == 64 for (who,) in session.query(Attempts.who))
    page = open_another_tab(visitor).get("/movies/1").text
    assert ">Movie 1</h1>" in page
    assert "Soon gone." not in page
    assert open_another_tab(visitor).post("/sign-in", name="Ada", password=PASSWORD).status_code == 422


def test_a_guest_deletes_what_it_left(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/rating", rating="4")
    assert visitor.post("/me/delete", sure="1").status_code == 303
    with people.database.read_transaction() as session:
        assert session.query(Profile).count() == 0


def test_without_its_database_ones_page_says_so(ada: BrowserTab) -> None:
    database = people_of(ada).database
    assert database.file is not None
    database.file.unlink()
    for path in ("/me", "/me?show=statistics", "/me/account"):
        answer = ada.get(path)
        assert answer.status_code == 200
        assert "not available right now" in get_page_text(answer)
    assert ada.get("/me/export").status_code == 503
    for path in ("/me/profiles", "/me/password", "/me/delete", "/sign-out"):
        answer = ada.post(path, name="X", sure="1", old=PASSWORD, password=PASSWORD)
        assert answer.status_code == 503


def trending_ids(visitor: BrowserTab) -> list[int]:
    section = visitor.get("/?user_id=").text.split('aria-labelledby="trending"')[1].split("</section>")[0]
    return [int(found) for found in re.findall(r'class="card" href="/movies/(\d+)[?"]', section)]


def test_what_a_visitor_has_watched_or_rated_is_not_trending_for_them_and_others_follow(visitor: BrowserTab) -> None:
    before = trending_ids(visitor)
    visitor.post(f"/movies/{before[0]}/watched", on="1")
    visitor.post(f"/movies/{before[2]}/rating", rating="4.5")
    after = trending_ids(visitor)
    assert after[: len(before) - 2] == [before[1], *before[3:]]
    assert len(after) == len(before)
    assert trending_ids(open_another_tab(visitor)) == before
