"""Errors as callers read them: one line of JSON, `{"error": "…"}`, that quotes nothing sent."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from apps.store_faults import STORE_UNAVAILABLE
from apps.web.failure import note
from data.errors import DeskhandError, LogFormatError

_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
_NOT_JSON = "the body is no JSON; send one object, with Content-Type: application/json"
_TOO_LONG = ("string_too_long", "too_long")
_WORDS = {
    404: "no such route; GET /api/openapi.json lists them",
    405: "not with this method; GET /api/openapi.json lists the routes",
    400: _NOT_JSON,
}


def problem(status: int, line: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error's answer."""
    return JSONResponse({"error": line}, status, headers=headers or _HEADERS.get(status))


def add_handlers(api: FastAPI) -> None:
    """Have whatever a route raises on purpose answered as a problem; the Gate has the rest."""
    api.add_exception_handler(RequestValidationError, _wrong_body)
    api.add_exception_handler(AnyHTTPException, _refused)
    api.add_exception_handler(LogFormatError, _unreadable)
    api.add_exception_handler(DeskhandError, _not_ready)
    for kind in STORE_UNAVAILABLE:
        api.add_exception_handler(kind, _store_unavailable)


def _wrong_body(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    mistakes = error.errors()
    kinds = [mistake["type"] for mistake in mistakes]
    if "json_invalid" in kinds:
        return problem(400, _NOT_JSON)
    status = 413 if any(kind in _TOO_LONG for kind in kinds) else 422
    return problem(status, "; ".join(dict.fromkeys(map(_said, mistakes))))


def _said(mistake: Any) -> str:  # noqa: ANN401 - pydantic's dict
    """Where and what; never the value, nor a name that is none of ours."""
    kind = mistake["type"]
    where = ".".join(map(str, mistake["loc"][1:])) or "body"
    if kind == "extra_forbidden":
        outer = ".".join(map(str, mistake["loc"][1:-1])) or "body"
        return f"{outer}: a field that is not known; GET /api/openapi.json has their names"
    if where == "body" and kind != "value_error":
        return "body: a JSON object is needed, with Content-Type: application/json"
    if kind == "too_long" and isinstance(mistake["input"], str):  # pydantic counts "items"
        return f"{where}: at most {mistake['ctx']['max_length']:,} characters"
    said = str(mistake["msg"]).removeprefix("Value error, ")
    return f"{where}: {said[:1].lower()}{said[1:]}"


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AnyHTTPException)
    ours = isinstance(error, HTTPException) and error.status_code != 400
    line = error.detail if ours else _WORDS.get(error.status_code, error.detail)
    return problem(error.status_code, line, error.headers)  # of 405: Allow


def _unreadable(request: Request, error: Exception) -> JSONResponse:
    return problem(422, str(error))


def _not_ready(request: Request, error: Exception) -> JSONResponse:
    note("api", error)
    return problem(503, "that cannot be answered now; send it again, or see deskhand's log")


def _store_unavailable(request: Request, error: Exception) -> JSONResponse:
    note("api", error)
    return problem(503, "the store is locked or cannot be reached; send it again a little later")
