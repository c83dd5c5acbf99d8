"""Every route is in exactly one class, and the description says in which."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from omni.api import grants
from omni.api.app import API_ROUTERS, create_api, create_crawler_app
from omni.api.deps import ApiDeps
from omni.api.grants import Grants, class_of
from omni.api.types import MEANING, SCOPES

CLASSES = (grants.OPEN, grants.READ, grants.WRITE, grants.SEND, grants.ADMIN)


def applications(*, require_keys: bool = True) -> tuple[FastAPI, FastAPI]:
    nothing = cast("Any", None)
    deps = ApiDeps(
        db=nothing, broker=nothing, platforms={}, vault=nothing, clock=nothing,
        require_keys=require_keys,
    )  # fmt: skip
    return create_api(deps), create_crawler_app(deps)


def operations(app: FastAPI) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_is_classed_and_every_class_names_routes_that_there_are() -> None:
    described = {name for app in applications() for name in operations(app)}
    assert len(described) > 90
    classed = [name for routes in CLASSES for name in routes]
    assert len(classed) == len(set(classed)), "no route is in two classes"
    assert {name for name in described if not name.startswith("GET ")} <= set(classed)
    assert set(classed) <= described | {"GET /openapi.json", "GET /docs"}


def test_a_new_route_that_nobody_has_classed_stops_the_program() -> None:
    async def loosen() -> None: ...

    with pytest.raises(LookupError, match="POST /loosen"):
        Grants([Route("/loosen", loosen, methods=["POST"])])
    assert class_of("GET", "/anything") == "read"


def test_the_description_marks_the_scope_of_each_operation() -> None:
    for app in applications():
        for name, operation in operations(app).items():
            scope = class_of(*name.split(" ", 1))
            assert operation["security"] == ([{"key": [scope]}] if scope else []), name
            told = f"the scope `{scope}`" in operation["description"]
            assert told == (scope in ("send", "admin")), name
        (scheme,) = app.openapi()["components"]["securitySchemes"].values()
        assert all(f"`{scope}`" in scheme["description"] for scope in SCOPES)
    for app in applications(require_keys=False):
        for name, operation in operations(app).items():
            scope = class_of(*name.split(" ", 1))
            assert operation["security"] == ([{}, {"key": [scope]}] if scope else []), name
    assert set(MEANING) == set(SCOPES)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/campaigns", "read"),
        ("HEAD", "/campaigns/1/leads", "read"),
        ("GET", "/keys", "admin"),
        ("HEAD", "/keys", "admin"),
        ("GET", "/nothing", "read"),
        ("POST", "/nothing", "write"),
        ("PROPFIND", "/campaigns", "write"),
        ("GET", "/health", None),
        ("POST", "/health", "write"),
        ("POST", "/webhooks/sender", None),
        ("GET", "/webhooks/sender", "read"),
        ("POST", "/webhooks/sender/more", "write"),
        ("POST", "/messages/approve", "send"),
        ("POST", "/messages/7/approve", "send"),
        # The router takes a line break at the end, so this has to take it, too.
        ("POST", "/messages/7/approve\n", "send"),
        ("POST", "/messages/edit", "write"),
        ("POST", "/criteria/preview", "read"),
        ("POST", "/people/erase", "admin"),
        ("PUT", "/campaigns/1/autopilot", "send"),
        ("PATCH", "/accounts/1", "send"),
        ("POST", "/accounts/1/pause", "write"),
    ],
)
def test_a_request_needs_the_scope_of_its_route(method: str, path: str, scope: str | None) -> None:
    routes = [route for router in API_ROUTERS for route in router.routes]
    assert Grants(routes).needed(method, path) == scope
