"""Keys of the JSON API: what they open, what is open without them, and what is refused."""

import hmac
import json
from pathlib import Path

import pytest

from movierec.settings import Settings, SettingsError
from serving.app import create_app
from serving.web.api_keys import has_known_key
from tests.serving.asking import READING, READING_POSTS, post_json
from tests.serving.conftest import Browser

KEY, OTHER_KEY = "the-first-key-of-all", "another-key-of-them"


@pytest.fixture(scope="module")
def guarded(home: Path) -> Browser:
    return Browser(create_app(Settings(home=home, api_keys=f"{KEY},{OTHER_KEY}")))


@pytest.mark.parametrize("path", READING)
def test_what_reads_needs_a_key(guarded: Browser, path: str) -> None:
    answer = guarded.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "X-API-Key" in answer.json()["detail"]
    for headers in ({"X_API_Key": KEY}, {"X_API_Key": OTHER_KEY}, {"Authorization": f"Bearer {KEY}"}):
        assert guarded.get(path, **headers).status_code == 200


@pytest.mark.parametrize(("path", "body"), READING_POSTS)
def test_what_reads_by_post_needs_a_key(guarded: Browser, path: str, body: object) -> None:
    assert post_json(guarded, path, body).status_code == 401
    assert post_json(guarded, path, body, X_API_Key=KEY).status_code == 200


def test_every_operation_that_reads_is_tried_here(guarded: Browser) -> None:
    def strip(address: str) -> str:
        return address.partition("?")[0].replace("/1", "/{movie_id}").replace("/3", "/{user_id}")

    paths = guarded.get("/openapi.json").json()["paths"]
    open_to_all = {path for path in paths if path.startswith("/health")}
    of_operators = {"/train-kmeans", "/runs/{run_id}"}
    assert {strip(path) for path in [*READING, *dict(READING_POSTS)]} == set(paths) - open_to_all - of_operators


@pytest.mark.parametrize(
    "headers",
    [
        {"X_API_Key": "wrong"},
        {"X_API_Key": KEY + "x"},
        {"X_API_Key": KEY[:-1]},
        {"X_API_Key": f"{KEY},{OTHER_KEY}"},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer"},
        {"X_API_Key": "\u043a"},
    ],
)
def test_a_wrong_key_is_401(guarded: Browser, headers: dict[str, str]) -> None:
    assert guarded.get("/top", **headers).status_code == 401


def test_a_right_key_beside_a_wrong_one_is_enough(guarded: Browser) -> None:
    assert guarded.get("/top", X_API_Key="wrong", Authorization=f"Bearer {KEY}").status_code == 200


def test_all_keys_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(given: bytes, key: bytes) -> bool:
        compared.append(key)
        return given == key

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert has_known_key([b"a"], [b"a", b"b", b"c"])
    assert compared == [b"a", b"b", b"c"]


@pytest.mark.parametrize("path", ["/", "/movies/1", "/search?q=movie", "/health", "/health/live", "/openapi.json"])
def test_pages_and_health_need_no_key(guarded: Browser, path: str) -> None:
    assert guarded.get(path).status_code == 200
    assert guarded.get(path, HX_Request="true").status_code == 200


def test_a_key_of_the_api_does_not_open_what_is_for_operators(guarded: Browser) -> None:
    assert post_json(guarded, "/train-kmeans", {}, Authorization=f"Bearer {KEY}").status_code == 403


def test_without_keys_the_api_is_open_and_its_schema_says_nothing_of_keys(browser: Browser) -> None:
    assert all(browser.get(path).status_code == 200 for path in READING)
    assert "ApiKey" not in json.dumps(browser.get("/openapi.json").json())


def test_the_schema_of_a_site_with_keys_names_them(guarded: Browser) -> None:
    schema = guarded.get("/openapi.json").json()
    assert schema["paths"]["/top"]["get"]["security"] == [{"ApiKeyBearer": []}, {"ApiKeyHeader": []}]
    assert "401" in schema["paths"]["/top"]["get"]["responses"]
    assert "security" not in schema["paths"]["/health"]["get"]


def test_keys_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").write_text(f"{KEY}\n{OTHER_KEY}\n")
    monkeypatch.setenv("MOVIEREC_API_KEYS", f"@{tmp_path / 'keys'}")
    guarded = Browser(create_app(Settings.from_environment()))
    assert guarded.get("/top", X_API_Key=OTHER_KEY).status_code == 503  # let in; nothing is published there
    assert guarded.get("/top").status_code == 401


@pytest.mark.parametrize("content", [None, "", "\n", "short", f"{KEY}\nshort"])
def test_a_file_of_keys_that_cannot_be_used_is_no_open_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "keys").write_text(content)
    monkeypatch.setenv("MOVIEREC_API_KEYS", f"@{tmp_path / 'keys'}")
    with pytest.raises(SettingsError, match="MOVIEREC_API_KEYS is not usable"):
        Settings.from_environment()


@pytest.mark.parametrize("given", ["short", ",", f"{KEY},short"])
def test_keys_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MOVIEREC_API_KEYS", given)
    with pytest.raises(SettingsError, match="MOVIEREC_API_KEYS is not usable"):
        Settings.from_environment()
