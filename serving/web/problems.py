"""Errors of the JSON API as problem details (RFC 9457), and the OpenAPI schema that says so."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.web.middleware import MAX_BODY

MEDIA_TYPE = "application/problem+json"
OF_BODIES = {  # what any request with a body may be answered
    "400": "A body that cannot be decoded",
    "403": "Sent by a page of another site, or not allowed",
    "413": f"A body of more than {MAX_BODY:,} bytes",
}
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


class Fault(BaseModel):
    """One thing that is wrong with a request: where, and why."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """`detail` is for people; `errors` is there where the request itself is wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None


class ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE


def problem(
    status: int, detail: str, *, faults: Sequence[Mapping[str, Any]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """`faults` as FastAPI lists them; what was sent is not repeated, however long it was."""
    content = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[Fault(loc=[*fault["loc"]], msg=_message(fault), type=fault["type"]) for fault in faults] or None,
    )
    return ProblemResponse(content.model_dump(exclude_none=True), status, dict(headers or {}))


def invalid(faults: Sequence[Mapping[str, Any]]) -> Response:
    """422: what is wrong where."""
    told = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {_message(fault)}" for fault in faults[:5])
    return problem(422, told, faults=faults)


def wrong_parameter(name: str, why: str) -> RequestValidationError:
    """To be raised for what only the route can tell: answered as FastAPI's own findings are."""
    return RequestValidationError([{"loc": ("query", name), "msg": why, "type": "value_error"}])


def _message(fault: Mapping[str, Any]) -> str:
    text: str = fault["msg"]
    return text.removeprefix("Value error, ")  # Pydantic's, before what validators of ours say


def is_for_machines(request: Request) -> bool:
    """Whether the address is one of the JSON API, or would be: it begins as one that the OpenAPI schema describes."""
    return first_part(request.url.path) in {first_part(path) for path in request.app.openapi()["paths"]}


def first_part(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for its OpenAPI description."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def describe(app: FastAPI, *, description: str) -> None:
    """Makes the app's OpenAPI schema name the media type of problems, and 422 as one of them."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=description, routes=app.routes)
            for operations in found["paths"].values():
                for operation in operations.values():
                    _name_media_types(operation)
            for leftover in ("HTTPValidationError", "ValidationError"):
                found["components"]["schemas"].pop(leftover, None)
            found["components"]["schemas"] |= _PROBLEM_SCHEMAS
            app.openapi_schema = _with_bounds(found)
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]  # FastAPI's own way to extend the schema


def _name_media_types(operation: dict[str, Any]) -> None:
    is_problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if "requestBody" in operation:
        for status, description in OF_BODIES.items():
            operation["responses"][status] = {"description": description, "content": {MEDIA_TYPE: is_problem}}
    for status, answer in operation["responses"].items():
        of_model = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
        if status == "422" or of_model.endswith("/Problem"):
            answer["content"] = {MEDIA_TYPE: is_problem}


def _with_bounds(node: Any) -> Any:
    """Pydantic writes `ge` for a bound behind a validator of ours; JSON Schema calls it `minimum`."""
    if isinstance(node, list):
        return [_with_bounds(each) for each in node]
    if not isinstance(node, dict):
        return node
    is_number = node.get("type") in ("integer", "number")
    return {(BOUNDS.get(key, key) if is_number else key): _with_bounds(value) for key, value in node.items()}


_PROBLEM_SCHEMAS = {
    "Fault": Fault.model_json_schema(),
    "Problem": {
        key: value
        for key, value in Problem.model_json_schema(ref_template="#/components/schemas/{model}").items()
        if key != "$defs"
    },
}
