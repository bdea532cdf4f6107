"""Every endpoint against the OpenAPI schema, by questions that schemathesis makes up: right ones and wrong ones."""

from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from movierec.settings import Settings
from serving.app import create_app
from serving.runs.dagster_client import DagsterClient
from serving.runs.operators import Operators
from tests.serving.api.test_runs import FakeDagster, launched

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [
    (path, method, mode)
    for path, operations in create_app(Settings(home=Path("nowhere"))).openapi()["paths"].items()
    for method, operation in operations.items()
    for mode in GenerationMode
    if mode.is_positive or operation.keys() & {"parameters", "requestBody"}  # else nothing can be wrong
]


@pytest.fixture(scope="module")
def described(home: Path) -> BaseSchema:
    fake = FakeDagster(launchRun=launched(), runOrError={"__typename": "RunNotFoundError"})
    operators = Operators(DagsterClient("http://dagster", "full", httpx.MockTransport(fake)), "secret")
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(Settings(home=home), operators=operators))


@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
def test_an_endpoint_keeps_to_the_schema_and_does_not_fail(
    described: BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    questions = described[path][method].as_strategy(generation_mode=mode)

    @given(case=questions)
    @settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Case) -> None:
        case.call_and_validate(checks=CHECKS, headers={"Authorization": "Bearer secret"})

    ask()
