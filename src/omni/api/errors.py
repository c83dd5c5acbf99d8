"""Every error leaves the API as one problem document (RFC 9457, `application/problem+json`).

Errors that Omni raises on purpose keep their words; anything unexpected is logged with its trace
and answered without a word of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omni.api.excess import excess_of
from omni.base.errors import (
    Cancelled,
    Conflict,
    NotFound,
    OmniError,
    OutOfTime,
    Rejected,
    Snooze,
    Transient,
    Unauthorized,
)
from omni.base.log import get_logger

MEDIA_TYPE = "application/problem+json"
MAX_DETAIL = 600
MAX_ERRORS = 20

TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The request took too long to arrive",
    409: "In conflict with the present state",
    413: "The body is too large",
    415: "Not JSON",
    422: "The request is not acceptable",
    500: "Something went wrong here",
    503: "Not available right now",
}
_NAMES: Mapping[int, str] = {
    400: "unreadable",
    401: "not-authenticated",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "conflict",
    413: "too-large",
    415: "not-json",
    422: "not-acceptable",
    500: "unexpected",
    503: "not-available",
}


class TooLarge(Rejected):
    """What was sent has more bytes than are taken."""


_KINDS: tuple[tuple[type[OmniError], int], ...] = (
    (TooLarge, 413),
    (Rejected, 422),
    (NotFound, 404),
    (Conflict, 409),
    (Cancelled, 409),
    (Unauthorized, 401),
    (Transient, 503),
    (OutOfTime, 503),
    (Snooze, 503),
)
_SIMPLE_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")


class InProgress(Conflict):
    """The same request is being served right now: ask again in a second."""


def problem(
    status: int,
    detail: str,
    *,
    instance: str,
    field: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document as a response.

    Args:
        status: The HTTP status.
        detail: What is wrong and how to mend it, one line; cut to `MAX_DETAIL` characters.
        instance: Path of the request.
        field: Place of the offending input, such as `criteria.all[2].value`.
        errors: Every mistake, where there may be several: `field` and `detail` each.
        headers: More headers.
    """
    body: dict[str, object] = {
        "type": f"urn:omni:problem:{_NAMES.get(status, str(status))}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": clean(detail),
        "instance": clean(instance),
    }
    if field is not None:
        body["field"] = clean(field)
    if errors:
        body["errors"] = [{k: clean(v) for k, v in error.items()} for error in errors]
    return Response(
        msgspec.json.encode(body), status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def clean(text: str) -> str:
    """Return `text` cut to a bound and without what cannot be written as UTF-8."""
    return text[:MAX_DETAIL].encode("utf-8", "replace").decode("utf-8")


def problem_of(error: OmniError, *, instance: str) -> Response:
    """Render one of Omni's own errors."""
    status = next((status for kind, status in _KINDS if isinstance(error, kind)), 500)
    headers: dict[str, str] = {}
    if isinstance(error, Unauthorized):
        status = 403 if error.forbidden else 401
        headers["WWW-Authenticate"] = (
            "Bearer"
            if error.scope is None
            else f'Bearer error="insufficient_scope", scope="{error.scope}"'
        )
    if status == 503 or isinstance(error, InProgress):
        wait = error.retry_after if isinstance(error, Transient) else None
        headers["Retry-After"] = str(max(1, round(wait or 1)))
    field = error.field if isinstance(error, Rejected) else None
    detail = str(error) if status != 500 else TITLES[500]
    errors = [{"field": field, "detail": detail}] if field is not None else []
    return problem(
        status,
        f"{field}: {detail}" if field is not None else detail,
        instance=instance,
        field=field,
        errors=errors,
        headers=headers,
    )


def field_path(place: Sequence[str | int]) -> str:
    """Write a place in a JSON document as people read it: `criteria.all[2].value`."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _SIMPLE_NAME.match(step):
            path += f".{step}" if path else step
        else:
            path += f"[{msgspec.json.encode(clean(step)).decode()}]"
    return path


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem document."""

    async def on_omni_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, OmniError)
        answer = problem_of(error, instance=request.url.path)
        if answer.status_code >= 500:
            get_logger().warning(
                "api.request_failed",
                method=request.method,
                path=request.url.path,
                status=answer.status_code,
                error=str(error),
            )
        return answer

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _invalid(error.errors(), instance=request.url.path)

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, RecursionError):
            excess = excess_of(await request.body())
            if excess is not None:
                return problem_of(excess, instance=request.url.path)
        return _http_problem(app, request, error)

    app.add_exception_handler(OmniError, on_omni_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)


class Shield:
    """Outermost but one: what nobody expected becomes a 500 that tells nothing of the inside."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception:
            get_logger().exception(
                "api.request_crashed", method=scope["method"], path=scope["path"]
            )
            if begun:
                raise
            detail = "An unexpected error: it was written to the log of this process."
            await problem(500, detail, instance=scope["path"])(scope, receive, send)


def _invalid(found: Sequence[Any], *, instance: str) -> Response:
    """Render what FastAPI's validation found."""
    first = found[0]
    if first["type"] == "json_invalid":
        position, reason = first["loc"][-1], first["ctx"]["error"]
        detail = f"The body is not valid JSON: {reason} at character {position}"
        return problem(400, detail, instance=instance)
    if all(error["loc"][0] == "path" for error in found):
        must = first["ctx"]["expected"] if first["type"] == "literal_error" else "an id"
        detail = f"Nothing has this {first['loc'][-1]}: it must be {must}"
        return problem(404, detail, instance=instance)
    errors = [_field_error(error) for error in found[:MAX_ERRORS]]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    field = errors[0]["field"]
    return problem(
        422,
        f"{field}: {errors[0]['detail']}{more}",
        instance=instance,
        field=field,
        errors=errors,
    )


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    source, *place = error["loc"]
    return {"field": field_path(place) or source, "detail": _in_words(error)}


def _in_words(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a known field: remove it, or mend its spelling"
        case "model_attributes_type" | "model_type" | "dict_type":
            return "must be a JSON object"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            message = str(error["msg"])
            return message[:1].lower() + message[1:]


def _http_problem(app: FastAPI, request: Request, error: HTTPException) -> Response:
    path = request.url.path
    match error.status_code:
        case 404:
            return problem(404, "There is nothing at this path: see /openapi.json", instance=path)
        case 405:
            allowed = ", ".join(_methods_at(app, path))
            detail = f"{request.method} is not possible here: use {allowed}"
            return problem(405, detail, instance=path, headers={"Allow": allowed})
        case 400 if isinstance(error.__cause__, RecursionError):
            return problem(400, "The body is nested too deeply: use fewer levels", instance=path)
        case 400:
            return problem(400, "The body is not valid JSON in UTF-8", instance=path)
        case status:
            return problem(status, str(error.detail), instance=path, headers=error.headers)


def _methods_at(app: FastAPI, path: str) -> list[str]:
    """Return the methods that the documented routes offer at `path`."""
    methods: set[str] = set()
    for template, operations in app.openapi()["paths"].items():
        if compile_path(template)[0].match(path):
            methods.update(name.upper() for name in operations)
    return sorted(methods)
