"""Host names, the public address, and whose word about a client's address counts."""

from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from movierec.settings import Settings, SettingsError
from serving.app import create_app, from_environment
from serving.web.addresses import AllowedHosts, get_client_network, identify_client
from tests.serving.conftest import Browser
from tests.serving.test_server import ask, serve_whole_site
from tests.serving.visits import FORM_MEDIA_TYPE, BrowserTab, make_community


@pytest.fixture
def guarded(home: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setenv("MOVIEREC_HOME", str(home))
    monkeypatch.setenv("MOVIEREC_PUBLIC_URL", "https://movies.example:8443/")
    return Browser(from_environment())


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST", "movies.example", "Movies.Example:1"],
)
def test_the_site_answers_under_its_own_names(guarded: Browser, host: str) -> None:
    assert guarded.get("/movies/3", Host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "movies.example.evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io", "localhost:x",
        "evil@localhost", "localhost/../evil", "192.168.0.7:8000", 'evil"><script>',
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/movies/3", "/movies/", "/health", "/static/site.css", "/api/movies/1"])
def test_a_foreign_host_is_answered_400(guarded: Browser, host: str, path: str) -> None:
    answer = guarded.get(path, Host=host)
    assert answer.status_code == 400
    assert "evil" not in answer.text + str(answer.headers)


def test_several_hosts_or_none_are_not_allowed() -> None:
    hosts = AllowedHosts(create_app, "")  # type: ignore[arg-type]
    assert hosts.is_allowed(["localhost"])
    assert not hosts.is_allowed([])
    assert not hosts.is_allowed(["localhost", "localhost"])


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "movies.example", "evil.example"])
def test_links_and_redirects_are_made_for_the_public_address(home: Path, host: str) -> None:
    browser = Browser(create_app(Settings(home=home, public_url="https://movies.example")))
    page = browser.get("/movies/3", Host=host).text
    assert '<link rel="canonical" href="https://movies.example/movies/3">' in page
    redirect = browser.get("/movies/3/", Host=host)
    assert redirect.headers["location"] == "https://movies.example/movies/3"


def test_a_form_is_heard_behind_a_proxy_that_rewrites_the_host(home: Path, tmp_path: Path) -> None:
    def rate(public_url: str) -> httpx.Response:
        app = create_app(Settings(home=home, public_url=public_url), community=make_community(tmp_path))
        headers = {"Host": "127.0.0.1:8000", "Origin": "http://movies.lan", "Content_Type": FORM_MEDIA_TYPE}
        return BrowserTab(app).send_request("POST", "/movies/1/rating", body=b"rating=4", **headers)

    assert rate("http://movies.lan").status_code == 303
    refused = rate("")
    assert refused.status_code == 403
    assert "MOVIEREC_PUBLIC_URL" in refused.text


def test_cookies_of_an_https_address_are_secure(home: Path, tmp_path: Path) -> None:
    settings = Settings(home=home, public_url="https://movies.example")
    answer = BrowserTab(create_app(settings, community=make_community(tmp_path))).post("/movies/1/rating", rating="4")
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOVIEREC_PUBLIC_URL", "movies.example"),
        ("MOVIEREC_PUBLIC_URL", "https://movies.example/cinema"),
        ("MOVIEREC_PUBLIC_URL", "https://user@movies.example"),
        ("MOVIEREC_TRUSTED_PROXIES", "*"),
        ("MOVIEREC_TRUSTED_PROXIES", "10.0.0.0/8, proxy.lan"),
    ],
)
def test_wrong_addresses_are_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_home_is_one_client(address: str, network: str) -> None:
    assert get_client_network(address) == network
    assert identify_client(Request({"type": "http", "client": (address, 4711)})) == network


def test_clients_without_an_address_count_as_one() -> None:
    assert identify_client(Request({"type": "http", "client": None})) == ""


@pytest.mark.parametrize(("trusted", "n_refused"), [("", 2), ("127.0.0.1", 0)])
def test_only_trusted_proxies_say_who_asks(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str, n_refused: int
) -> None:
    """Twelve sign-ins, each with another X-Forwarded-For, where ten are allowed from one address."""
    monkeypatch.setenv("MOVIEREC_TRUSTED_PROXIES", trusted)
    monkeypatch.setenv("MOVIEREC_DATABASE_URL", f"sqlite:///{tmp_path}/site.db")
    with serve_whole_site(home, tmp_path / "log") as (port, _):
        form = {"name": "Ada", "password": "a guess at it"}
        statuses = [
            httpx.post(
                f"http://127.0.0.1:{port}/sign-in", data=form, headers={"X-Forwarded-For": f"192.0.2.{n}"}, timeout=60
            ).status_code
            for n in range(12)
        ]
        assert statuses.count(429) == n_refused
        last = b"Connection: close\r\n\r\n"
        for hosts in (b"", b"Host: localhost\r\nHost: localhost\r\n", b"Host: evil.example\r\n"):
            assert ask(port, b"GET / HTTP/1.1\r\n" + hosts + last).startswith(b"HTTP/1.1 400 ")
