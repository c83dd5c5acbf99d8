"""Reads what people look at judges with: a person's view, samples, and verdicts as they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omni.base.errors import NotFound
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "judging")


@dataclass(frozen=True, slots=True)
class Viewed:
    """A person as judges see them."""

    profile_id: int
    username: str
    view: dict[str, Any]
    view_hash: str


async def get_view(db: Executor, profile_id: int) -> Viewed:
    """Return what a judge may see of a person.

    Raises:
        NotFound: There is no such profile, or nothing was read of it yet.
    """
    row = await db.fetchrow(QUERIES["get_view"], profile_id=profile_id)
    if row is None:
        raise NotFound(f"there is no profile {profile_id}")
    return Viewed(**row)
