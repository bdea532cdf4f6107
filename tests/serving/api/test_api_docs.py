"""docs/api.md says what the OpenAPI schema says, and its examples work."""

import json
import re
from pathlib import Path

import pytest

from serving.api.request_models import MAX_RATINGS, MAX_USERS
from serving.api.response_models import ModelName
from tests.serving.asking import post_json
from tests.serving.conftest import Browser

PAGE = Path("docs/api.md").read_text()
EXAMPLES = re.findall(r"^(GET|POST) +(/\S+)(?: +(\{.*\}))?$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def operations(browser: Browser) -> dict[str, dict]:
    paths = browser.get("/openapi.json").json()["paths"]
    return {f"{method.upper()} {path}": told for path, each in paths.items() for method, told in each.items()}


def test_every_address_of_the_schema_is_documented_and_no_other(operations: dict[str, dict]) -> None:
    assert set(re.findall(r"^\| `((?:GET|POST) \S+)` \|", PAGE, re.MULTILINE)) == set(operations)


def test_documented_parameters_are_those_of_the_schema(operations: dict[str, dict], browser: Browser) -> None:
    schemas = browser.get("/openapi.json").json()["components"]["schemas"]
    for address, asks in re.findall(r"^\| `((?:GET|POST) \S+)` \| (.*?) \|", PAGE, re.MULTILINE):
        told = operations[address]
        names = {parameter["name"] for parameter in told.get("parameters", []) if parameter["in"] == "query"}
        for part in json.dumps(told.get("requestBody", {})).split("#/components/schemas/")[1:]:
            names |= schemas[part.split('"')[0]]["properties"].keys()
        assert set(re.findall(r"`(\w+)`", asks)) == names, address


def test_every_operation_says_what_it_does_and_has_a_plain_name(operations: dict[str, dict]) -> None:
    names = [told["operationId"] for told in operations.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z_]+", name) for name in names)
    undescribed = {address for address, told in operations.items() if not told.get("description")}
    assert undescribed == set()


def test_everything_that_can_be_asked_has_an_example(operations: dict[str, dict], browser: Browser) -> None:
    schemas = browser.get("/openapi.json").json()["components"]["schemas"]
    asked = [
        (address, parameter["name"], parameter["schema"])
        for address, told in operations.items()
        for parameter in told.get("parameters", [])
    ]
    bodies = json.dumps([told.get("requestBody") for told in operations.values()])
    asked += [
        (name, field, schema)
        for name in [*re.findall('#/components/schemas/([^"]+)', bodies), "GivenRating"]
        for field, schema in schemas[name]["properties"].items()
    ]
    assert [(where, name) for where, name, schema in asked if not schema.get("examples")] == []


def test_bodies_are_plain_objects_that_client_generators_understand(
    operations: dict[str, dict], browser: Browser
) -> None:
    schemas = browser.get("/openapi.json").json()["components"]["schemas"]
    bodies = [json.dumps(told["requestBody"]) for told in operations.values() if "requestBody" in told]
    names = {name for body in bodies for name in re.findall('#/components/schemas/([^"]+)', body)}
    assert {name for name in names if schemas[name].keys() & {"anyOf", "oneOf", "allOf"}} == set()


def test_every_model_is_explained() -> None:
    assert set(re.findall(r"`(\w+)`", PAGE.split("| model | chose by |")[1].split("\n\n")[0])) - {"kind"} == set(
        ModelName.__args__  # type: ignore[attr-defined]
    )


def test_bounds_are_as_documented() -> None:
    assert f"`user_ids` (1 to {MAX_USERS})" in PAGE
    assert f"`ratings` (up to {MAX_RATINGS})" in PAGE


def asked_by(told: dict, schemas: dict[str, dict]) -> dict[str, dict]:
    """The schemas of an operation's parameters and of the fields of its body, by name."""
    found = {parameter["name"]: parameter["schema"] for parameter in told.get("parameters", [])}
    for part in json.dumps(told.get("requestBody", {})).split("#/components/schemas/")[1:]:
        found |= schemas[part.split('"')[0]]["properties"]
    return found


def test_how_many_may_be_asked_for_and_how_many_come_unasked(operations: dict[str, dict], browser: Browser) -> None:
    schemas = browser.get("/openapi.json").json()["components"]["schemas"]
    asks = dict(re.findall(r"^\| `((?:GET|POST) \S+)` \| (.*?) \|", PAGE, re.MULTILINE))
    assert "`top_n` and `limit` are 1 to 100 and may be left out: 10, 20 or what is in brackets." in PAGE
    counted = 0
    for address, told in operations.items():
        bracketed = {name: int(value) for name, value in re.findall(r"`(\w+)` \(([0-9]+)\)", asks[address])}
        for name, schema in asked_by(told, schemas).items():
            if name in bracketed or name in {"top_n", "limit"}:
                assert schema["default"] == bracketed.get(name, {"top_n": 10, "limit": 20}.get(name)), (address, name)
            if name in {"top_n", "limit"}:
                assert (schema["minimum"], schema["maximum"]) == (1, 100), (address, name)
                counted += 1
    assert counted == 13


def test_what_recommends_answers_with_what_is_documented(operations: dict[str, dict], browser: Browser) -> None:
    schemas = browser.get("/openapi.json").json()["components"]["schemas"]

    def answered(address: str) -> set[str]:
        (name,) = re.findall('#/components/schemas/([^"]+)', json.dumps(operations[address]["responses"]["200"]))
        return set(schemas[name]["properties"])

    many = "POST /api/recommendations"
    recommending = {name for name in operations if "recommend" in name or "fold-in" in name} - {many}
    assert len(recommending) == 6
    for address in recommending:
        assert answered(address) >= {"model", "recommendations", "movies"}, address
    assert schemas["ForUsers"]["properties"]["answers"]["items"]["$ref"].endswith("/ForUser")
    assert answered("POST /recommend_collaborative") == set(schemas["ForUser"]["properties"])
    assert answered("GET /api/movies/personal") >= {"model", "movies"}
    assert answered("GET /top") == {"movies"}


@pytest.mark.parametrize(("method", "path", "body"), EXAMPLES)
def test_an_example_works(browser: Browser, method: str, path: str, body: str) -> None:
    answer = browser.get(path) if method == "GET" else post_json(browser, path, json.loads(body))
    assert answer.status_code == 200
    assert answer.json()


def test_there_is_an_example_of_each_way_to_recommend() -> None:
    assert {"/recommend_content_based", "/recommend_session_based", "/api/fold-in"} <= {path for _, path, _ in EXAMPLES}
