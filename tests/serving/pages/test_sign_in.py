"""Signing up, in and out: what stays, what ends, and what nobody is told."""

import asyncio
import re
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from serving.community import accounts
from serving.community.community import Community
from serving.community.cookies import SESSION_COOKIE, hash_token
from serving.community.models import Account, Attempts, BrowserSession, Profile
from serving.community.passwords import Passwords
from serving.community.sessions import recognize_visitor
from tests.serving.visits import (
    QUICK_HASHER,
    BrowserTab,
    Clock,
    assert_signed_out,
    get_chosen_rating,
    get_form_owner,
    get_page_text,
    make_community,
    open_another_tab,
    open_tab,
)

PASSWORD = "four plain words here"


def people_of(visitor: BrowserTab) -> Community:
    found = visitor.app.state.site.community
    assert isinstance(found, Community)
    return found


def clock_of(visitor: BrowserTab) -> Clock:
    clock = people_of(visitor).clock
    assert isinstance(clock, Clock)
    return clock


def register(visitor: BrowserTab, name: str = "Ada", password: str = PASSWORD) -> None:
    answer = visitor.post("/register", name=name, password=password)
    assert answer.status_code == 303, get_page_text(answer)


def sign_in(visitor: BrowserTab, name: str = "Ada", password: str = PASSWORD) -> str:
    answer = visitor.post("/sign-in", name=name, password=password)
    assert answer.status_code == 303, get_page_text(answer)
    return str(answer.headers["location"])


def test_signing_up_keeps_everything_of_the_guest(visitor: BrowserTab) -> None:
    visitor.post("/movies/1/rating", rating="4")
    visitor.post("/movies/2/saved", on="1")
    visitor.post("/movies/3/review", text="Mine.")
    before = get_form_owner(visitor.get("/movies/1").text)
    register(visitor)
    page = visitor.get("/movies/1").text
    assert get_chosen_rating(page) == "4"
    assert get_form_owner(page) == before
    assert "Signed in as Ada" in get_page_text(visitor.get("/"))
    elsewhere = open_another_tab(visitor)
    sign_in(elsewhere)
    assert get_chosen_rating(elsewhere.get("/movies/1").text) == "4"
    assert 'id="save-2" type="submit" aria-pressed="true"' in elsewhere.get("/movies/2").text
    assert "Mine." in elsewhere.get("/movies/3").text


def test_who_has_rated_nothing_is_led_to_five_films_after_signing_up(alone: BrowserTab) -> None:
    answer = alone.post("/register", name="Ada", password=PASSWORD, back="/movies/1")
    assert answer.headers["location"] == "/welcome?back=%2Fmovies%2F1"


def test_signing_in_adds_what_the_guest_did_and_the_accounts_own_stays(visitor: BrowserTab) -> None:
    register(visitor)
    visitor.post("/movies/1/rating", rating="5")
    visitor.post("/movies/3/review", text="By the account.")
    guest = open_another_tab(visitor)
    guest.post("/movies/1/rating", rating="1")
    guest.post("/movies/2/rating", rating="2")
    guest.post("/movies/2/saved", on="1")
    guest.post("/movies/3/review", text="By the guest.")
    assert sign_in(guest) == "/me?moved=2&kept=2"
    assert [get_chosen_rating(guest.get(f"/movies/{i}").text) for i in (1, 2)] == ["5", "2"]
    assert "By the account." in guest.get("/movies/3").text
    page = get_page_text(guest.get("/me?moved=2&kept=2"))
    assert "2 items were added" in page
    assert "2 movies already had a rating or review in your account" in page
    read_by_others = open_another_tab(visitor).get("/movies/3").text
    assert "By the account." in read_by_others
    assert "By the guest." not in read_by_others


def test_a_guests_other_tab_is_told_after_signing_in(visitor: BrowserTab) -> None:
    register(visitor)
    guest = open_another_tab(visitor)
    guest.post("/movies/1/rating", rating="1")
    stale_tab = BrowserTab(guest.app, cookies=dict(guest.cookies))
    drawn = get_form_owner(stale_tab.get("/movies/1").text)
    sign_in(guest)
    answer = stale_tab.post("/movies/1/review", htmx=True, text="From before.", **{"as": drawn})
    assert answer.status_code == 409
    assert "From before.</textarea>" in answer.text


def test_a_session_gets_a_new_token_at_every_door(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/rating", rating="4")
    tokens = [visitor.cookies[SESSION_COOKIE]]
    register(visitor)
    tokens.append(visitor.cookies[SESSION_COOKIE])
    sign_in(visitor)
    tokens.append(visitor.cookies[SESSION_COOKIE])
    assert len(set(tokens)) == 3
    with people.database.read_transaction() as session:
        assert session.query(BrowserSession).count() == 1
    for old in tokens[:2]:
        thief = BrowserTab(visitor.app, cookies={SESSION_COOKIE: old})
        assert_signed_out(thief)


def test_a_token_that_an_attacker_planted_is_not_taken_over(alone: BrowserTab) -> None:
    attacker = open_another_tab(alone)
    attacker.post("/movies/1/rating", rating="1")
    register(alone)
    victim = BrowserTab(alone.app, cookies=dict(attacker.cookies))
    sign_in(victim)
    assert "Signed in as Ada" in get_page_text(victim.get("/"))
    assert_signed_out(attacker)


@pytest.mark.parametrize("has_the_first_answer", [True, False])
def test_signing_up_twice_is_signing_up_once(
    visitor: BrowserTab, people: Community, has_the_first_answer: bool
) -> None:
    visitor.post("/movies/1/rating", rating="4")
    second = open_another_tab(visitor)
    second.cookies = visitor.cookies if has_the_first_answer else dict(visitor.cookies)
    register(visitor)
    register(second)
    assert "Signed in as Ada" in get_page_text(second.get("/"))
    assert get_chosen_rating(second.get("/movies/1").text) == "4"
    with people.database.read_transaction() as session:
        assert (session.query(Account).count(), session.query(Profile).count()) == (1, 1)


def test_a_guest_that_became_a_member_meanwhile_is_not_taken_over(visitor: BrowserTab, people: Community) -> None:
    """Of two clicks at once the second was recognized as the guest before the first made the account."""
    visitor.post("/movies/1/rating", rating="4")
    with people.database.read_transaction() as session:
        guest = recognize_visitor(session, visitor.cookies[SESSION_COOKIE].rsplit(".", 1)[0], now=people.clock())
    register(visitor)
    with people.database.write_transaction() as session:
        account = accounts.find_account(session, "Ada")
        assert account is not None
        _, merged = accounts.sign_in(session, guest, account.id, agent="", now=people.clock())
        assert merged == (0, 0)
    elsewhere = open_another_tab(visitor)
    sign_in(elsewhere)
    assert get_chosen_rating(elsewhere.get("/movies/1").text) == "4"


def test_signing_out_ends_the_session_on_the_server(visitor: BrowserTab) -> None:
    register(visitor)
    kept = BrowserTab(visitor.app, cookies=dict(visitor.cookies))
    answer = visitor.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert SESSION_COOKIE not in visitor.cookies
    assert_signed_out(kept)


def test_a_guest_does_not_lose_itself_by_signing_out(alone: BrowserTab) -> None:
    alone.post("/movies/1/rating", rating="4")
    alone.post("/sign-out")
    assert get_chosen_rating(alone.get("/movies/1").text) == "4"


@pytest.mark.parametrize("name", ["ADA", "ada", " Ada ", "Ａｄａ"])
def test_a_name_is_the_same_however_it_is_typed(visitor: BrowserTab, name: str) -> None:
    register(visitor)
    sign_in(open_another_tab(visitor), name=name)
    taken = open_another_tab(visitor).post("/register", name=name, password="another four words here")
    assert (taken.status_code, "This name is taken" in get_page_text(taken)) == (422, True)


@pytest.mark.parametrize(
    "name",
    ["", "a", "x" * 41, "a/b", "<b>ada</b>", "ada\u202eevil", "a\nb\x00", "a;b", "🙂🙂", "a" * 100_000, "%", "ada'--"],
)
def test_a_name_that_cannot_be_is_refused_beside_its_field(alone: BrowserTab, name: str) -> None:
    answer = alone.post("/register", name=name, password=PASSWORD)
    if name == "a\nb\x00":  # becomes "a b"
        assert answer.status_code == 303
        return
    assert answer.status_code == 422
    assert re.search(r'id="field-name"[^>]+aria-invalid="true"', answer.text)
    assert PASSWORD not in answer.text
    assert ('value="&lt;b&gt;ada&lt;/b&gt;"' in answer.text) is (name == "<b>ada</b>")
    assert "<b>ada" not in answer.text
    assert len(answer.content) < 40_000


@pytest.mark.parametrize(
    "name",
    ["admin", "Administrator", "аdmin", "аԁміп", "adm1n", "a.d.m.i.n", "Admin2", "Site Admin", "movierec team", "Админ",
     "ádmin", "ａｄｍｉｎ", "support", "system", "Аda", "Αda", "Annа Smith"],
)  # fmt: skip
def test_nobody_can_look_like_somebody_who_runs_the_site(alone: BrowserTab, name: str) -> None:
    answer = alone.post("/register", name=name, password=PASSWORD)
    assert answer.status_code == 422
    assert re.search(r'id="field-name"[^>]+aria-invalid="true"', answer.text)
    register(alone)
    assert alone.post("/me/profiles", name=name).status_code == 422


@pytest.mark.parametrize(
    "name",
    ["Zoë", "Марина", "Αννα", "Anna 安", "たなか ケン", "김철수", "محمد", "System of a Down", "Modesta", "Tim Root"],
)
def test_names_of_all_alphabets_are_welcome(alone: BrowserTab, name: str) -> None:
    register(alone, name=name)
    sign_in(open_another_tab(alone), name=name)


def test_a_name_that_looks_like_a_taken_one_is_taken(alone: BrowserTab) -> None:
    register(alone, name="coco")
    answer = open_another_tab(alone).post("/register", name="сосо", password=PASSWORD)
    assert (answer.status_code, "This name is taken" in get_page_text(answer)) == (422, True)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "at least 8"),
        ("seven77", "at least 8"),
        ("x" * 1001, "at most 1,000"),
        ("password", "too easy to guess"),
        ("PASSWORD1", "too easy to guess"),
        ("aaaaaaaa", "too easy to guess"),
        ("Lovelace", "too easy to guess"),
        ("lovelace1", "too easy to guess"),
        ("abcdefgh", "too easy to guess"),
        ("qwerty12345", "too easy to guess"),
        ("letmein123", "too easy to guess"),
        ("movierec1", "too easy to guess"),
        ("iloveyou1", "too easy to guess"),
        ("liverpool1", "too easy to guess"),
        ("dragon2020", "too easy to guess"),
        ("azerty123", "too easy to guess"),
        ("19851985", "too easy to guess"),
        ("пароль12", "too easy to guess"),
        ("        a b", "too easy to guess"),
    ],
)
def test_a_password_must_be_long_and_not_the_first_guess(alone: BrowserTab, password: str, said: str) -> None:
    answer = alone.post("/register", name="Lovelace", password=password)
    assert answer.status_code == 422
    assert said in get_page_text(answer)
    assert re.search(r'id="field-password"[^>]+aria-invalid="true"', answer.text)
    assert re.search(r'id="field-password"[^>]+value=""', answer.text)


@pytest.mark.parametrize("password", ["plainwords", "      a b c d", "мой кот Рыжик", "🙂🙃🎬🍿🐈🌧🎺x", "x y z" * 200])
def test_nothing_else_is_asked_of_a_password(alone: BrowserTab, password: str) -> None:
    register(alone, password=password)
    sign_in(open_another_tab(alone), password=password)


def test_a_composed_character_is_the_same_however_the_keyboard_makes_it(alone: BrowserTab) -> None:
    register(alone, password="caf\u00e9 noir")
    sign_in(open_another_tab(alone), password="cafe\u0301 noir")


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer_after_the_same_work(
    alone: BrowserTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(alone)
    verified: list[bytes] = []
    passwords = people_of(alone).passwords
    asyncio.run(passwords.is_correct(None, "warm"))
    verify = passwords.hasher.verify

    class Watching:
        def verify(self, kept: str, password: bytes) -> bool:
            verified.append(password)
            return verify(kept, password)

    monkeypatch.setattr(passwords, "hasher", Watching())
    unknown = open_another_tab(alone).post("/sign-in", name="Eve", password="wrong password")
    wrong = open_another_tab(alone).post("/sign-in", name="Ada", password="wrong password")
    assert (unknown.status_code, wrong.status_code) == (422, 422)
    assert unknown.text == wrong.text.replace("Ada", "Eve")
    assert len(verified) == 2


def test_passwords_are_kept_as_argon2id_only(home: Path, tmp_path: Path) -> None:
    visitor = open_tab(home, make_community(tmp_path, passwords=Passwords()))
    register(visitor)
    with people_of(visitor).database.read_transaction() as session:
        kept = session.query(Account).one().password
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_weaker_hash_is_made_anew_at_signing_in(home: Path, tmp_path: Path) -> None:
    visitor = open_tab(home, make_community(tmp_path))
    register(visitor)
    stronger = make_community(tmp_path, passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))
    sign_in(open_tab(home, stronger))
    with stronger.database.read_transaction() as session:
        assert "m=16,t=2" in session.query(Account).one().password


def test_a_password_is_not_guessed_without_end(visitor: BrowserTab, people: Community) -> None:
    register(visitor)
    guesser = open_another_tab(visitor)
    for i in range(10):
        assert guesser.post("/sign-in", name="Ada", password=f"guess {i}").status_code == 422
    refused = guesser.post("/sign-in", name="ADA", password=PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    clock_of(visitor).advance(minutes=16)
    sign_in(guesser)
    with people.database.read_transaction() as session:
        tried = [who for (who,) in session.query(Attempts.who)]
    assert tried
    assert all(re.fullmatch("[0-9a-f]{64}", who) for who in tried)


def test_accounts_are_not_made_without_end_from_one_address(alone: BrowserTab) -> None:
    for i in range(10):
        register(open_another_tab(alone), name=f"Ada{i}")
    assert open_another_tab(alone).post("/register", name="Ada99", password=PASSWORD).status_code == 429


def test_the_server_keeps_no_token_only_its_hash(visitor: BrowserTab, people: Community) -> None:
    register(visitor)
    token = visitor.cookies[SESSION_COOKIE].rsplit(".", 1)[0]
    with people.database.read_transaction() as session:
        assert session.query(BrowserSession).one().token_hash == hash_token(token)


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(alone: BrowserTab, back: str) -> None:
    register(alone)
    assert 'name="back" value="/"' in alone.get(f"/sign-in?back={back}").text
    answer = open_another_tab(alone).post("/sign-in", name="Ada", password=PASSWORD, back=back)
    assert answer.headers["location"] == "/"


def test_signing_in_leads_back_to_where_one_was(alone: BrowserTab) -> None:
    register(alone)
    page = open_another_tab(alone).get("/sign-in", Referer="http://site/movies/1?x=1")
    assert 'name="back" value="/movies/1?x=1"' in page.text
    for foreign in ("http://evil.example/x", "http://site/sign-in", "nonsense", "http://[::1"):
        assert 'name="back" value="/"' in open_another_tab(alone).get("/sign-in", Referer=foreign).text


@pytest.mark.parametrize(
    ("before", "page"),
    [
        ("/movies/1/review", "/movies/1"),
        ("/movies/1/reviews?page=1", "/movies/1/reviews?page=1"),
        ("/me/profiles", "/me/account"),
        ("/sign-out", "/"),
        ("/nowhere", "/"),
    ],
)
def test_nobody_is_led_to_an_address_that_only_takes_forms(alone: BrowserTab, before: str, page: str) -> None:
    for answer in (alone.get("/sign-in", Referer=f"http://site{before}"), alone.get(f"/register?back={before}")):
        assert f'name="back" value="{page}"' in answer.text
    register(alone)
    assert alone.post("/sign-in", name="Ada", password=PASSWORD, back=before).headers["location"] == page


def test_the_fields_tell_password_managers_what_they_are(alone: BrowserTab) -> None:
    new, old = alone.get("/register").text, alone.get("/sign-in").text
    assert re.search(r'id="field-password"[^>]+type="password"[^>]+autocomplete="new-password"', new)
    assert re.search(r'id="field-password"[^>]+type="password"[^>]+autocomplete="current-password"', old)
    for page in (new, old):
        assert re.search(r'id="field-name"[^>]+autocomplete="username"', page)
        assert page.count('<label for="field-') == 2


def test_a_session_that_is_not_used_ends(alone: BrowserTab) -> None:
    register(alone)
    clock_of(alone).advance(days=59)
    assert "Signed in as Ada" in get_page_text(alone.get("/"))
    clock_of(alone).advance(days=61)
    assert "Your session has ended" in get_page_text(alone.get("/"))


def test_doors_stand_while_nothing_is_published_and_without_a_database(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file where the folder should be")
    visitor = open_tab(tmp_path, make_community(tmp_path))
    assert visitor.get("/sign-in").status_code == 200
    for path in ("/sign-in", "/register"):
        answer = visitor.post(path, name="Ada", password=PASSWORD)
        assert answer.status_code == 503
        assert "could not be saved" in get_page_text(answer)
        assert PASSWORD not in answer.text


def test_where_an_account_is_required_members_write(home: Path, tmp_path: Path) -> None:
    visitor = open_tab(home, make_community(tmp_path, needs_account=True))
    register(visitor)
    assert get_chosen_rating(visitor.post("/movies/1/rating", htmx=True, rating="4").text) == "4"


def test_ended_sessions_are_cleared_away_with_the_guests_whom_nobody_can_be_any_more(
    visitor: BrowserTab, people: Community
) -> None:
    visitor.post("/movies/1/review", text="Here for 400 days.")
    clock_of(visitor).advance(days=500)
    people.prepare_database()
    with people.database.read_transaction() as session:
        assert (session.query(BrowserSession).count(), session.query(Profile).count()) == (0, 0)
    assert "Here for 400 days." not in open_another_tab(visitor).get("/movies/1").text


def test_hashing_is_what_the_tests_made_quick_and_nothing_else() -> None:
    assert Passwords().hasher.type == QUICK_HASHER.type
