"""Training from the site: who may, what Dagster is asked, what comes back."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import HTTPException

from movierec.settings import Settings, SettingsError
from serving.app import create_app
from serving.runs import dagster_client
from serving.runs.dagster_client import DagsterClient
from serving.runs.operators import MAX_GUESSERS, MAX_WRONG_TOKENS, Operators, WrongTokens
from tests.serving.asking import post_json
from tests.serving.conftest import Browser

ADDRESS = "http://dagster:3000"
RUN = "0d17c8bb-7933-4173-a973-f4570cc4d5c3"
TOKEN = {"Authorization": "Bearer secret"}


class FakeDagster:
    """Answers what a webserver would, and keeps what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"runsOrError": {"__typename": "Runs", "results": []}} | answers
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(request.content)
        self.asked.append(question["variables"])
        field = next(name for name in ("launchRun", "runsOrError", "runOrError") if f"{name}(" in question["query"])
        return httpx.Response(200, json={"data": {field: self.answers[field]}})


def site(home: Path, answer: Any, token: str = "secret") -> Browser:  # noqa: S107
    dagster = DagsterClient(ADDRESS, "10pct", httpx.MockTransport(answer))
    return Browser(create_app(Settings(home=home), operators=Operators(dagster, token)))


def launched() -> dict[str, Any]:
    return {"__typename": "LaunchRunSuccess", "run": {"runId": RUN}}


def test_training_starts_a_run_of_the_sample_and_names_its_page(home: Path) -> None:
    fake = FakeDagster(launchRun=launched())
    answer = post_json(site(home, fake), "/train-kmeans", **TOKEN)
    assert answer.status_code == 202
    assert answer.json() == {"status": "training started", "run_id": RUN, "run_url": f"{ADDRESS}/runs/{RUN}"}
    params = fake.asked[-1]["params"]
    assert params["selector"]["pipelineName"] == "train_kmeans"
    assert params["runConfigData"] == {"ops": {"clusters": {"config": {"k": 10}}}}
    assert params["executionMetadata"]["tags"] == [{"key": "dagster/partition", "value": "10pct"}]


def test_k_may_be_chosen_within_bounds(home: Path) -> None:
    fake = FakeDagster(launchRun=launched())
    browser = site(home, fake)
    assert post_json(browser, "/train-kmeans", {"k": 7}, **TOKEN).status_code == 202
    assert fake.asked[-1]["params"]["runConfigData"]["ops"]["clusters"]["config"] == {"k": 7}
    assert post_json(browser, "/train-kmeans", {"k": 1}, **TOKEN).status_code == 422


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_without_the_token_nothing_is_asked_of_dagster(home: Path, headers: dict[str, str], method: str) -> None:
    fake = FakeDagster()
    browser = site(home, fake)
    path = "/train-kmeans" if method == "POST" else f"/runs/{RUN}"
    answer = post_json(browser, path, **headers) if method == "POST" else browser.get(path, **headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert fake.asked == []


def test_a_token_is_not_guessed_without_end(home: Path) -> None:
    browser = site(home, FakeDagster(launchRun=launched()))
    for number in range(10):
        assert post_json(browser, "/train-kmeans", Authorization=f"Bearer guess {number}").status_code == 401
    refused = post_json(browser, "/train-kmeans", **TOKEN)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900


def test_wrong_tokens_are_forgotten_in_time_and_count_for_one_client_only() -> None:
    now = [0.0]
    wrong = WrongTokens(clock=lambda: now[0])
    for _ in range(10):
        wrong.count("192.0.2.1")
    wrong.refuse_guesser("192.0.2.2")
    with pytest.raises(HTTPException):
        wrong.refuse_guesser("192.0.2.1")
    now[0] = 901
    wrong.refuse_guesser("192.0.2.1")
    for number in range(3000):
        for _ in range(MAX_WRONG_TOKENS):
            wrong.count(str(number))
    refused = [number for number in range(3000) if is_refused(wrong, str(number))]
    assert refused == list(range(3000 - MAX_GUESSERS, 3000))  # the counts of others are dropped


def is_refused(wrong: WrongTokens, client: str) -> bool:
    try:
        wrong.refuse_guesser(client)
    except HTTPException:
        return True
    return False


def test_a_token_has_to_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVIEREC_ADMIN_TOKEN", "x" * 15)
    with pytest.raises(SettingsError, match="MOVIEREC_ADMIN_TOKEN is not usable; wanted is at least 16 characters"):
        Settings.from_environment()


def test_without_a_token_in_the_environment_nobody_may_and_the_answer_says_why(home: Path) -> None:
    answer = post_json(site(home, FakeDagster(), token=""), "/train-kmeans", Authorization="Bearer ")
    assert answer.status_code == 403
    assert "MOVIEREC_ADMIN_TOKEN is not set" in answer.json()["detail"]


def test_a_second_run_is_refused_while_one_is_at_work(home: Path) -> None:
    fake = FakeDagster(runsOrError={"__typename": "Runs", "results": [{"runId": RUN}]})
    answer = post_json(site(home, fake), "/train-kmeans", **TOKEN)
    assert answer.status_code == 409
    assert f"{ADDRESS}/runs/{RUN}" in answer.json()["detail"]


def test_of_two_that_ask_at_the_same_time_one_starts_a_run(home: Path) -> None:
    """Each waits a little for the other between its question and its start; they must not meet there."""
    both = threading.Barrier(2)

    class Slow(FakeDagster):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = super().__call__(request)
            if b"runsOrError(" in request.content:
                with suppress(threading.BrokenBarrierError):
                    both.wait(timeout=1)
            else:
                self.answers["runsOrError"] = {"__typename": "Runs", "results": [{"runId": RUN}]}
            return answer

    browser = site(home, Slow(launchRun=launched()))
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(post_json, browser, "/train-kmeans", **TOKEN) for _ in range(2)]
    assert sorted(each.result().status_code for each in asked) == [202, 409]


def no_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (no_connection, f"does not answer at {ADDRESS}"),
        (lambda _: httpx.Response(500, text="oops"), "does not answer"),
        (lambda _: httpx.Response(200, text="<html>"), "does not answer"),
        (lambda _: httpx.Response(200, json={"errors": [{"message": "no such field"}]}), "no such field"),
        *(
            (lambda _, content=content: httpx.Response(200, json=content), "is not Dagster")
            for content in ({"hello": 1}, [1], "x", {"data": None}, {"data": []}, {"data": {"runsOrError": {}}})
        ),
        (FakeDagster(runsOrError={"__typename": "PythonError", "message": "no disk"}), "PythonError"),
        (FakeDagster(launchRun={"__typename": "PipelineNotFoundError", "message": "where?"}), "where?"),
        (
            FakeDagster(launchRun={"__typename": "RunConfigValidationInvalid", "errors": [{"message": "k?"}]}),
            "k?",
        ),
    ],
)
def test_a_dagster_that_is_not_there_or_refuses_is_503_with_the_reason(home: Path, answer: Any, says: str) -> None:
    found = post_json(site(home, answer), "/train-kmeans", **TOKEN)
    assert found.status_code == 503
    assert says in found.json()["detail"]


def test_a_run_tells_how_it_stands(home: Path) -> None:
    steps = [{"stepKey": "clusters", "status": "SUCCESS"}, {"stepKey": "cluster_tags", "status": "IN_PROGRESS"}]
    run = {
        "__typename": "Run",
        "runId": RUN,
        "status": "STARTED",
        "startTime": 1_000_000_000.0,
        "endTime": None,
        "executionPlan": {"steps": [{"key": name} for name in ("clusters", "cluster_tags", "companion")]},
        "stepStats": steps,
    }
    answer = site(home, FakeDagster(runOrError=run)).get(f"/runs/{RUN}", **TOKEN).json()
    assert answer == {
        "run_id": RUN,
        "run_url": f"{ADDRESS}/runs/{RUN}",
        "status": "STARTED",
        "started_at": "2001-09-09T01:46:40Z",
        "ended_at": None,
        "steps": 3,
        "steps_done": 1,
        "at_work_on": ["cluster_tags"],
    }


def test_an_unknown_run_is_404_and_what_is_no_run_id_422(home: Path) -> None:
    browser = site(home, FakeDagster(runOrError={"__typename": "RunNotFoundError"}))
    assert browser.get(f"/runs/{RUN}", **TOKEN).status_code == 404
    assert browser.get("/runs/x", **TOKEN).status_code == 422
    broken = site(home, FakeDagster(runOrError={"__typename": "PythonError"}))
    assert broken.get(f"/runs/{RUN}", **TOKEN).status_code == 503


def test_the_settings_name_token_and_dagster() -> None:
    found = Operators.from_settings(Settings(sample="1pct", dagster_port=3001, admin_token="t" * 16))
    assert (found.dagster.url, found.dagster.sample, found.token) == ("http://127.0.0.1:3001", "1pct", "t" * 16)
    assert Operators.from_settings(Settings(dagster_url=ADDRESS + "/")).dagster.url == ADDRESS
    assert Operators.from_settings(Settings()).dagster.url == "http://127.0.0.1:3000"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "query", [dagster_client.LAUNCH_MUTATION, dagster_client.PROGRESS_QUERY, dagster_client.ACTIVE_RUNS_QUERY]
)
def test_what_is_asked_is_valid_by_dagsters_own_schema(query: str) -> None:
    from dagster_graphql.schema import create_schema
    from graphql import parse, validate

    assert validate(create_schema().graphql_schema, parse(query)) == []
