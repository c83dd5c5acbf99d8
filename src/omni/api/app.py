"""The two HTTP applications: the API, and the crawler service."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Route

from omni.api import errors
from omni.api.deps import ApiDeps
from omni.api.errors import Shield
from omni.api.grants import Grants
from omni.api.limits import BodyLimit, Closing
from omni.api.openapi import describe
from omni.api.routes import (
    accounts,
    approvals,
    campaigns,
    catalogue,
    crawl,
    criteria,
    handed,
    health,
    held,
    hosts,
    imports,
    inbox,
    jobs,
    judge,
    judge_jobs,
    keys,
    lead_files,
    leads,
    messages,
    people,
    persons,
    recordings,
    refresh,
    suppressions,
    webhook_endpoints,
    webhooks,
)
from omni.api.security import Guard

API_ROUTERS = (
    leads.router,
    lead_files.router,
    campaigns.router,
    jobs.router,
    imports.router,
    messages.router,
    approvals.router,
    accounts.router,
    held.router,
    handed.router,
    suppressions.router,
    inbox.router,
    webhooks.router,
    people.router,
    persons.router,
    refresh.router,
    catalogue.router,
    criteria.router,
    hosts.router,
    judge.router,
    judge_jobs.router,
    recordings.router,
    webhook_endpoints.router,
    keys.router,
    health.router,
)
CRAWLER_ROUTERS = (crawl.router, hosts.router, health.router)


def create_api(deps: ApiDeps) -> FastAPI:
    """Return the HTTP API: everything that people, programs and the web UI ask of Omni."""
    app = _create("Omni", "Find the right people, and start conversations.", deps)
    # The page of leads is asked most: this route answers it, and FastAPI's own route of the same
    # path, which would take 50 µs more, only describes it.
    app.add_route("/campaigns/{campaign_id}/leads", leads.list_leads)
    return _finish(app, API_ROUTERS)


def create_crawler_app(deps: ApiDeps, *, default_platform: str = "synthetic") -> FastAPI:
    """Return the HTTP application of the crawler service.

    Args:
        deps: What it needs of the world.
        default_platform: Where a crawl goes that names no platform.
    """
    app = _create("Omni crawler", "Crawls from seeds.", deps)
    app.state.default_platform = default_platform
    return _finish(app, CRAWLER_ROUTERS)


def _create(title: str, summary: str, deps: ApiDeps) -> FastAPI:
    app = FastAPI(
        title=title,
        summary=summary,
        version=version("omni"),
        # The pages that come with FastAPI load scripts from elsewhere: `openapi` brings its own.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.deps = deps
    return app


def _finish(app: FastAPI, routers: Sequence[APIRouter]) -> FastAPI:
    deps: ApiDeps = app.state.deps
    for router in routers:
        app.include_router(router)
    describe(app, needs_key=deps.require_keys)
    errors.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard, deps=deps, grants=Grants(_routes(app, routers)))
    app.add_middleware(Shield)
    app.add_middleware(Closing)
    return app


def _routes(app: FastAPI, routers: Sequence[APIRouter]) -> list[BaseRoute]:
    """Return every route: those of the routers, and what the application has of its own."""
    own = [route for route in app.routes if isinstance(route, Route)]
    return [*own, *(route for router in routers for route in router.routes)]
