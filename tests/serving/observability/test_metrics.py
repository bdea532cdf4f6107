"""The metrics that Prometheus reads: what they count, and who may read them."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from prometheus_client.parser import text_string_to_metric_families

from movierec.settings import Settings, SettingsError
from serving.app import create_app
from serving.community.passwords import Passwords, PasswordsBusyError
from serving.observability import metrics
from tests.serving.asking import post_json
from tests.serving.conftest import Browser, open_browser
from tests.serving.visits import BrowserTab

TOKEN = "a-token-of-the-metrics"


def read_samples(browser: Browser, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = browser.get("/metrics", **headers)
    assert answer.status_code == 200
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def read_value(browser: Browser, name: str, **labels: str) -> float:
    return read_samples(browser).get((name, frozenset(labels.items())), 0)


def measure_growth(browser: Browser, act: Callable[[], object], name: str, **labels: str) -> float:
    """By how much a metric grows when something is done; all tests of a process share the metrics."""
    before = read_value(browser, name, **labels)
    act()
    return read_value(browser, name, **labels) - before


def test_requests_are_counted_by_route_method_and_status(browser: Browser) -> None:
    name, labels = "movierec_responses_total", {"route": "/movies/{movie_id}", "method": "GET"}
    assert measure_growth(browser, lambda: browser.get("/movies/1"), name, **labels, status="200") == 1
    assert measure_growth(browser, lambda: browser.get("/movies/0"), name, **labels, status="404") == 1
    unknown = {"route": "unmatched", "method": "OTHER", "status": "404"}
    assert measure_growth(browser, lambda: browser.send_request("BREW", "/tea"), name, **unknown) == 1


def test_seconds_of_requests_are_a_histogram(browser: Browser) -> None:
    labels = {"route": "/health/live", "method": "GET"}
    for name in ("movierec_request_seconds_count", "movierec_request_seconds_bucket"):
        more = {"le": "+Inf"} if name.endswith("bucket") else {}
        assert measure_growth(browser, lambda: browser.get("/health/live"), name, **labels, **more) == 1
    assert (
        0 < measure_growth(browser, lambda: browser.get("/health/live"), "movierec_request_seconds_sum", **labels) < 9
    )


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/api/movies/personal?user_id=3", "two_stage"),
        ("/api/movies/personal?user_id=999999", "popularity_fallback"),
        ("/?user_id=3", "two_stage"),
        ("/api/movies/1/similar", "als_cosine"),
        ("/movies/1", "als_cosine"),
        ("/top", "popularity_fallback"),
    ],
)
def test_the_model_that_answered_is_counted(browser: Browser, path: str, model: str) -> None:
    assert measure_growth(browser, lambda: browser.get(path), "movierec_model_answers_total", model=model) == 1


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/recommend_collaborative", {"user_id": 3}, "ials"),
        ("/recommend_session_based", {"user_id": 999_999}, "popularity_fallback"),
        ("/api/fold-in", {"ratings": [{"movie_id": 1, "rating": 5}]}, "two_stage"),
        ("/api/recommendations", {"user_ids": [3, 5]}, "two_stage"),
    ],
)
def test_the_model_of_a_post_is_counted(browser: Browser, path: str, body: object, model: str) -> None:
    name = "movierec_model_answers_total"
    assert measure_growth(browser, lambda: post_json(browser, path, body), name, model=model) == 1


def test_the_bundle_is_named_with_its_age(browser: Browser) -> None:
    version = browser.get("/health").json()["version"]
    assert read_value(browser, "movierec_bundle_info", sample="full", version=version) == 1
    assert read_value(browser, "movierec_bundle_age_seconds") >= 0
    assert read_value(browser, "movierec_catalogue_movies") == 42


def test_without_a_bundle_the_metrics_answer_all_the_same(tmp_path: Path) -> None:
    empty = open_browser(tmp_path)
    assert "movierec_bundle_age_seconds" not in empty.get("/metrics").text
    assert "# TYPE movierec_bundle_info gauge" in empty.get("/metrics").text


def test_attempts_above_a_rate_limit_are_counted(alone: BrowserTab) -> None:
    browser = Browser(alone.app)

    def sign_in_too_often() -> None:
        for _ in range(11):
            alone.post("/sign-in", name="nobody", password="wrong password")

    assert measure_growth(browser, sign_in_too_often, "movierec_rate_limited_total", limit="sign_ins_of_a_name") == 1


def test_refused_requests_are_counted_by_reason(home: Path) -> None:
    guarded = Browser(create_app(Settings(home=home), checks_host=True))
    reader = open_browser(home)
    name = "movierec_refused_requests_total"
    assert measure_growth(reader, lambda: guarded.get("/", Host="evil.example"), name, reason="host") == 1
    foreign = lambda: reader.send_request("POST", "/sign-in", Sec_Fetch_Site="cross-site")  # noqa: E731
    assert measure_growth(reader, foreign, name, reason="other_site") == 1


def test_passwords_that_wait_are_counted_until_they_are_hashed(browser: Browser) -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=1024), n_workers=1, max_waiting=1)

    async def hash_three() -> tuple[float, list[object]]:
        asked = [asyncio.ensure_future(passwords.hash_password("a long password")) for _ in range(3)]
        await asyncio.sleep(0)
        waiting = metrics.REGISTRY.get_sample_value("movierec_password_hashes_waiting")
        return waiting or 0, await asyncio.gather(*asked, return_exceptions=True)

    before = read_value(browser, "movierec_rate_limited_total", limit="password_hashes")
    at_work, found = asyncio.run(hash_three())
    assert at_work == 2
    assert [type(each) for each in found] == [str, str, PasswordsBusyError]
    assert read_value(browser, "movierec_password_hashes_waiting") == 0
    assert read_value(browser, "movierec_rate_limited_total", limit="password_hashes") == before + 1


def ask_from(browser: Browser, address: str, **headers: str) -> int:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(browser.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get(
                "/metrics", headers={name.replace("_", "-"): each for name, each in headers.items()}
            )

    return asyncio.run(ask()).status_code


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X_Forwarded_For": "192.0.2.7"}, 403),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 403),
    ],
)
def test_without_a_token_only_this_machine_reads_the_metrics(
    browser: Browser, address: str, headers: dict[str, str], status: int
) -> None:
    assert ask_from(browser, address, **headers) == status


def test_a_site_with_a_public_address_needs_a_token(home: Path) -> None:
    public = Browser(create_app(Settings(home=home, public_url="https://movies.example")))
    answer = public.get("/metrics")
    assert answer.status_code == 403
    assert "MOVIEREC_METRICS_TOKEN" in answer.text
    assert "movierec_responses" not in answer.text


@pytest.mark.parametrize(
    ("given", "status"),
    [(f"Bearer {TOKEN}", 200), (None, 401), ("Bearer", 401), (f"Bearer {TOKEN}x", 401), (TOKEN, 401)],
)
def test_with_a_token_only_who_sends_it_reads_the_metrics(home: Path, given: str | None, status: int) -> None:
    guarded = Browser(create_app(Settings(home=home, metrics_token=TOKEN, public_url="https://movies.example")))
    answer = guarded.get("/metrics", **({} if given is None else {"Authorization": given}))
    assert answer.status_code == status
    assert (answer.headers.get("www-authenticate") == "Bearer") == (status == 401)


def test_a_token_of_the_metrics_has_to_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVIEREC_METRICS_TOKEN", "short")
    with pytest.raises(SettingsError, match="MOVIEREC_METRICS_TOKEN is not usable"):
        Settings.from_environment()


def test_metrics_have_no_addresses_but_routes(browser: Browser) -> None:
    browser.get("/movies/17?user_id=3")
    browser.get("/nowhere/4711")
    text = browser.get("/metrics").text
    routes = set(re.findall(r'route="([^"]+)"', text))
    assert "/movies/{movie_id}" in routes
    assert not [route for route in routes if re.search(r"\d", route)]
