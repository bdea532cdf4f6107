"""What goes by itself with time, and secrets that are replaced."""

import asyncio
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

import serving.app
from movierec.settings import Settings
from serving.app import create_app, run_site
from serving.community.community import Community
from serving.community.cookies import CookieSigner
from serving.community.models import Attempts, BrowserSession, Profile, Review
from tests.serving.visits import BrowserTab, Clock, get_page_text, make_community, open_another_tab

OLD, NEW = "the-old-secret-of-the-site", "the-new-secret-of-the-site"


def clock_of(people: Community) -> Clock:
    assert isinstance(people.clock, Clock)
    return people.clock


def test_a_guest_goes_with_everything_when_no_browser_knows_it_any_more(visitor: BrowserTab, people: Community) -> None:
    visitor.post("/movies/1/review", text="By a guest.")
    member = open_another_tab(visitor)
    member.post("/movies/1/review", text="By a member.")
    member.post("/register", name="Ada", password="four plain words here")
    clock_of(people).advance(days=399)
    people.delete_expired()
    assert "By a guest." in open_another_tab(visitor).get("/movies/1").text
    clock_of(people).advance(days=2)
    people.delete_expired()
    page = open_another_tab(visitor).get("/movies/1").text
    assert "By a guest." not in page
    assert "By a member." in page, "an account stays though its session has ended"
    with people.database.read_transaction() as session:
        counts = [session.query(each).count() for each in (Profile, Review, BrowserSession, Attempts)]
    assert counts == [1, 1, 0, 0]


def test_what_has_expired_goes_while_the_site_runs(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = make_community(tmp_path)
    app = create_app(Settings(home=home), community=people)
    monkeypatch.setattr(serving.app, "UPKEEP_SECONDS", 0.05)

    def count_guests() -> int:
        with people.database.read_transaction() as session:
            return session.query(Profile).count()

    async def run() -> None:
        async with run_site(app):
            await asyncio.to_thread(BrowserTab(app).post, "/movies/1/rating", rating="4")
            assert await asyncio.to_thread(count_guests) == 1
            clock_of(people).advance(days=401)
            async with asyncio.timeout(20):
                while await asyncio.to_thread(count_guests):
                    await asyncio.sleep(0.05)

    asyncio.run(run())


def sign(signer: CookieSigner) -> Request:
    """A request with a session cookie of this signer."""
    response = Response()
    signer.set_session_cookie(Request({"type": "http", "scheme": "http", "headers": []}), response, "a token")
    cookie = response.headers["set-cookie"].partition(";")[0].encode()
    return Request({"type": "http", "headers": [(b"cookie", cookie)]})


def test_cookies_of_an_old_secret_are_accepted_and_new_ones_are_signed_with_the_new(tmp_path: Path) -> None:
    before, after = CookieSigner(OLD, tmp_path), CookieSigner(NEW, tmp_path, [OLD])
    assert after.read_token(sign(before)) == "a token"
    assert CookieSigner(NEW, tmp_path).read_token(sign(after)) == "a token"
    assert CookieSigner(NEW, tmp_path).read_token(sign(before)) is None


def test_secrets_in_the_file_are_replaced_in_the_same_way(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    before = CookieSigner(None, file)
    request = sign(before)
    file.write_text(f"a-secret-without-spaces\n{file.read_text()}\n")
    after = CookieSigner(None, file)
    assert after.read_token(request) == "a token"
    assert CookieSigner("a-secret-without-spaces", tmp_path).read_token(sign(after)) == "a token"


def test_a_change_of_the_secret_signs_nobody_out(home: Path, tmp_path: Path) -> None:
    def open_site(secret: str, **options: str) -> BrowserTab:
        settings = Settings(home=home, database_url=f"sqlite:///{tmp_path}/x.db", secret=secret, **options)
        return BrowserTab(create_app(settings))

    before = open_site(OLD)
    before.post("/register", name="Ada", password="four plain words here")
    after = open_site(NEW, old_secrets=f"the-secret-between-them, {OLD}")
    after.cookies = dict(before.cookies)
    assert "Signed in as Ada" in get_page_text(after.get("/"))
