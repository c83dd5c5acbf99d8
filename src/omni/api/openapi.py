"""The description of the API: OpenAPI, and a page of it that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from omni.api.errors import MEDIA_TYPE, TITLES
from omni.api.grants import class_of
from omni.api.schemas import Problem
from omni.api.schemas.examples import ANSWERS, BODIES
from omni.api.schemas.inbox import DeliveryIn
from omni.api.types import MEANING, SCOPES, USUAL, Scope

_NEVER_HERE = {
    "get": frozenset({408, 409, 413, 415}),
    "post": frozenset[int](),
    "patch": frozenset[int](),
    "put": frozenset[int](),
    "delete": frozenset({408, 413, 415}),
}
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, with one scope for each operation: "
    + "; ".join(f"`{scope}` {MEANING[scope]}" for scope in SCOPES),
}
_READ_BY_HAND = (Problem, DeliveryIn)
"""What routes answer or take that FastAPI does not read for them."""

_EVERYWHERE = (400, 401, 403, 404, 408, 409, 413, 415, 422, 500, 503)

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem }}
h2 {{ margin: 1.5rem 0 .25rem; font-size: 1rem }}
code {{ font-family: ui-monospace, monospace }}
p {{ margin: .25rem 0 }}
</style>
<h1>{title}</h1>
<p>{summary} The full description, with every field and examples, is
<a href="/openapi.json">openapi.json</a>.</p>
{operations}
</html>"""


def describe(app: FastAPI, *, needs_key: bool) -> None:
    """Give `app` its OpenAPI document and its page at `/docs`.

    Args:
        app: With all of its routes.
        needs_key: Whether calls need an API key; else one that is shown counts.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, needs_key=needs_key)
        return app.openapi_schema

    async def docs() -> HTMLResponse:
        return HTMLResponse(_page(openapi()), headers={"Content-Security-Policy": _POLICY})

    app.openapi = openapi
    app.add_api_route("/docs", docs, include_in_schema=False)


_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def _document(app: FastAPI, *, needs_key: bool) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes
    )
    components: dict[str, Any] = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for model in _READ_BY_HAND:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    for name, example in {**BODIES, **ANSWERS}.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["responses"].update(_problems(path, method))
            _tell_scope(operation, class_of(method.upper(), path), needs_key=needs_key)
    components["securitySchemes"] = {"key": _SCHEME}
    return document


def _tell_scope(operation: dict[str, Any], scope: Scope | None, *, needs_key: bool) -> None:
    """Mark which scope a key needs for an operation; a key is optional on this machine alone."""
    if scope is None:
        operation["security"] = []
        return
    operation["security"] = ([] if needs_key else [{}]) + [{"key": [scope]}]
    if scope not in USUAL:
        operation["description"] += f"\n\nA key needs the scope `{scope}` for it."


def _problems(path: str, method: str) -> Mapping[str, Any]:
    """Return the errors that an operation may answer with."""
    if path == "/health":
        return {}
    statuses = [status for status in _EVERYWHERE if status not in _NEVER_HERE[method]]
    if "{" not in path:
        statuses.remove(404)
    return {
        str(status): {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _page(document: Mapping[str, Any]) -> str:
    operations = "\n".join(
        f"<h2><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</h2>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    info = document["info"]
    return _PAGE.format(
        title=escape(info["title"]), summary=escape(info["summary"]), operations=operations
    )
