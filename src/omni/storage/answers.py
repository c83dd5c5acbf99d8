"""Answers of the API that were given once, by idempotency key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.storage", "answers")

GIVEN_FOR = timedelta(hours=24)
"""How long an idempotency key is remembered."""


@dataclass(frozen=True, slots=True)
class Given:
    """The answer that an idempotency key got the first time."""

    request_hash: str
    status: int
    response: bytes


async def claim(tx: Executor, *, caller: str, route: str, key: str) -> bool:
    """Hold an idempotency key until the transaction ends; False if another request holds it."""
    return bool(await tx.fetchval(QUERIES["claim_idempotency_key"], name=f"{caller} {route} {key}"))


async def find_given(
    tx: Executor, *, caller: str, route: str, key: str, now: datetime
) -> Given | None:
    """Return the answer that this key got within the last `GIVEN_FOR`."""
    row = await tx.fetchrow(
        QUERIES["find_given"], caller=caller, route=route, key=key, expired_before=now - GIVEN_FOR
    )
    return Given(row["request_hash"], row["status"], row["response"]) if row else None


async def record_given(
    tx: Executor, given: Given, *, caller: str, route: str, key: str, now: datetime
) -> None:
    """Remember the answer, and forget a few that have expired."""
    await tx.execute(
        QUERIES["record_given"],
        caller=caller,
        route=route,
        key=key,
        request_hash=given.request_hash,
        status=given.status,
        response=given.response,
        now=now,
    )
    await tx.execute(QUERIES["forget_expired"], expired_before=now - GIVEN_FOR)
