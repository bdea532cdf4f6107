"""Requests to a running Dagster UI, as browsers send them for its own pages and for those of other sites."""

import json
from urllib.parse import urlencode

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.dagster_ui import serve_dagster_ui

LAUNCH = (
    'mutation { launchRun(executionParams: {selector: {repositoryLocationName: "tiny", '
    'repositoryName: "__repository__", jobName: "everything"}, runConfigData: {}}) '
    "{ __typename ... on PythonError { message } } }"
)
RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
ELSEWHERE = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serve_dagster_ui(tmp_path_factory.mktemp("ui"), MOVIEREC_UI_HOSTS="dagster.example") as served:
        yield served


def ask(address, query, **headers):
    return httpx.post(f"{address}/graphql", json={"query": query}, headers=headers)


def count_runs(address):
    return len(ask(address, RUNS).json()["data"]["runsOrError"]["results"])


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("POST", {"json": {"query": LAUNCH}, "headers": ELSEWHERE}),
        ("POST", {"json": {"query": LAUNCH}, "headers": {"Origin": "null"}}),
        ("POST", {"json": {"query": LAUNCH}, "headers": {"Sec-Fetch-Site": "same-site"}}),
        ("POST", {"json": {"query": LAUNCH}, "headers": {"Host": "elsewhere.example"}}),
        ("POST", {"params": {"query": LAUNCH}, "data": {"a": "b"}, "headers": ELSEWHERE}),
        ("POST", {"params": {"query": LAUNCH}, "data": {"a": "b"}}),
        ("POST", {"content": LAUNCH, "headers": {"Content-Type": "application/graphql"}}),
        ("GET", {"params": {"query": LAUNCH}}),
        ("GET", {"params": {"query": LAUNCH}, "headers": ELSEWHERE}),
    ],
)
def test_no_run_is_started_for_another_site(address, method, given):
    before = count_runs(address)
    assert httpx.request(method, f"{address}/graphql", **given).status_code == 403
    assert count_runs(address) == before


def test_materialisations_are_not_reported_by_other_sites(address):
    reported = f"{address}/report_asset_materialization/the_only_asset"
    assert httpx.post(reported, headers=ELSEWHERE).status_code == 403
    assert httpx.post(reported).status_code == 200


def test_the_site_and_the_page_itself_start_runs(address):
    before = count_runs(address)
    own = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own):
        assert ask(address, LAUNCH, **headers).json()["data"]["launchRun"]["__typename"] == "LaunchRunSuccess"
    assert count_runs(address) == before + 2


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "", "localhost.", "10.0.0.1"])
def test_pages_are_not_shown_under_another_name(address, host):
    answer = httpx.get(f"{address}/runs", headers={"Host": host})
    assert answer.status_code == 403
    assert "MOVIEREC_UI_HOSTS" in answer.text


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1", "[::1]:3000", "DAGSTER.example"])
def test_pages_are_shown_under_the_names_of_this_machine_and_of_the_setting(address, host):
    assert httpx.get(f"{address}/runs", headers={"Host": host, **ELSEWHERE}).status_code == 200  # a link leads here


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Host": "elsewhere.example"}]
)
def test_a_websocket_of_another_site_is_refused(address, headers):
    with pytest.raises(InvalidStatus) as refusal, open_websocket(address, headers):
        pass
    assert refusal.value.response.status_code == 403


def test_a_websocket_of_the_page_itself_answers(address):
    with open_websocket(address, {"Origin": address}) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(timeout=10)) == {"type": "connection_ack"}


def open_websocket(address, headers):
    return connect(
        f"{address.replace('http', 'ws', 1)}/graphql?{urlencode({'a': 'b'})}",
        additional_headers=headers,
        subprotocols=["graphql-ws"],
    )
