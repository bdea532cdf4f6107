"""Errors of the JSON API as problem details (RFC 9457), and their description in the OpenAPI schema."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.web.middleware import MAX_BODY_BYTES

PROBLEM_MEDIA_TYPE = "application/problem+json"
BODY_PROBLEMS = {  # what any request with a body may be answered
    "400": "A body that cannot be decoded",
    "403": "Sent by a page of another site, or not allowed",
    "413": f"A body of more than {MAX_BODY_BYTES:,} bytes",
}


class Fault(BaseModel):
    """One error in a request: where it is and what is wrong."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """Problem details. `detail` is a sentence for people;

    `errors` lists what is wrong with the request, if it is invalid.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None


class ProblemResponse(JSONResponse):
    """A JSON response with the media type of problem details."""

    media_type = PROBLEM_MEDIA_TYPE


def render_problem(
    status: int, detail: str, *, faults: Sequence[Mapping[str, Any]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The error as a response. `faults` are errors as FastAPI lists them; values from the request are left out."""
    content = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[Fault(loc=[*fault["loc"]], msg=_get_message(fault), type=fault["type"]) for fault in faults] or None,
    )
    return ProblemResponse(content.model_dump(exclude_none=True), status, dict(headers or {}))


def render_invalid_request(faults: Sequence[Mapping[str, Any]]) -> Response:
    """A 422 that names the invalid parts of the request, in `detail` the first five."""
    told = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {_get_message(fault)}" for fault in faults[:5])
    return render_problem(422, told, faults=faults)


def build_parameter_error(name: str, why: str) -> RequestValidationError:
    """An error to raise for an invalid query parameter. It is answered like FastAPI's own validation errors."""
    return RequestValidationError([{"loc": ("query", name), "msg": why, "type": "value_error"}])


def _get_message(fault: Mapping[str, Any]) -> str:
    text: str = fault["msg"]
    return text.removeprefix("Value error, ")  # Pydantic's, before what validators of ours say


def is_api_request(request: Request) -> bool:
    """Whether the first part of the path is that of a JSON route, so that errors are answered as JSON."""
    return get_first_segment(request.url.path) in {get_first_segment(path) for path in request.app.openapi()["paths"]}


def get_first_segment(path: str) -> str:
    """The first part of a path."""
    return path.lstrip("/").partition("/")[0]


def describe_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The entries for a route's `responses` that declare problem details for these statuses."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def install_openapi_schema(app: FastAPI, *, description: str) -> None:
    """Makes the OpenAPI schema declare problem details for all errors, 422 included."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=description, routes=app.routes)
            for operations in found["paths"].values():
                for operation in operations.values():
                    _name_media_types(operation)
            for leftover in ("HTTPValidationError", "ValidationError"):
                found["components"]["schemas"].pop(leftover, None)
            found["components"]["schemas"] |= _PROBLEM_SCHEMAS
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]  # FastAPI's own way to extend the schema


def _name_media_types(operation: dict[str, Any]) -> None:
    is_problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if "requestBody" in operation:
        for status, description in BODY_PROBLEMS.items():
            operation["responses"][status] = {"description": description, "content": {PROBLEM_MEDIA_TYPE: is_problem}}
    for status, answer in operation["responses"].items():
        of_model = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
        if status == "422" or of_model.endswith("/Problem"):
            answer["content"] = {PROBLEM_MEDIA_TYPE: is_problem}


_PROBLEM_SCHEMAS = {
    "Fault": Fault.model_json_schema(),
    "Problem": {
        key: value
        for key, value in Problem.model_json_schema(ref_template="#/components/schemas/{model}").items()
        if key != "$defs"
    },
}
