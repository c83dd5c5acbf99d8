"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Request, Response

from omni.api import store
from omni.api.deps import Deps
from omni.api.errors import problem
from omni.api.schemas import Health, Ready
from omni.base.errors import OmniError

router = APIRouter(tags=["health"])

CHECK_S = 2.0
"""How long a part may take to answer."""


@router.get("/health", summary="Is the process alive?")
async def health() -> Health:
    """Answer without asking anybody else."""
    return Health()


@router.get("/ready", response_model=Ready, summary="Can it do its work?")
async def ready(request: Request, deps: Deps) -> Response:
    """Ask Postgres and the broker; what does not answer is named in the problem."""
    names = ("postgres", "broker")
    found = await asyncio.gather(_check(store.ping(deps.db)), _check(deps.broker.ping()))
    missing = [name for name, well in zip(names, found, strict=True) if not well]
    if missing:
        detail = f"no answer from: {', '.join(missing)}"
        return problem(503, detail, instance=request.url.path, headers={"Retry-After": "1"})
    body = Ready(checks=dict.fromkeys(names, "ok")).model_dump_json()
    return Response(body, media_type="application/json")


async def _check(answer: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(CHECK_S):
            await answer
    except (OmniError, TimeoutError, OSError):
        return False
    return True
