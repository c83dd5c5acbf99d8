"""The hosts that Omni asks, and how they do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from omni.api.deps import Deps
from omni.api.schemas import HostOut, Page
from omni.hosts import store
from omni.hosts.plan import worst_first

router = APIRouter(tags=["hosts"])


@router.get("/hosts", summary="List the hosts that are asked")
async def list_hosts(
    deps: Deps, limit: Annotated[int, Query(ge=1, le=1_000)] = 200
) -> Page[HostOut]:
    """List hosts with their state, pace and errors: those in trouble first, then the most asked.

    Each process that crawls tells of its own every few seconds; one that ends is left out.
    """
    seen = await store.list_hosts(deps.db, now=deps.clock())
    return Page(items=[HostOut.of(host) for host in worst_first(seen, limit)], next_cursor=None)
