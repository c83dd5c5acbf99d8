"""Reads what people look at judges with: a person's view, samples, and verdicts as they stand."""

from __future__ import annotations

from collections.abc import Sequence

from omni.base.errors import NotFound
from omni.campaigns.types import Campaign
from omni.qualification.replaying import StoredVerdict
from omni.qualification.types import Viewed, asked_version
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "judging")


async def get_view(db: Executor, profile_id: int) -> Viewed:
    """Return what a judge may see of a person.

    Raises:
        NotFound: There is no such profile, or nothing was read of it yet.
    """
    row = await db.fetchrow(QUERIES["get_view"], profile_id=profile_id)
    if row is None:
        raise NotFound(f"there is no profile {profile_id}")
    return Viewed(**row)


async def get_view_shown(db: Executor, profile_id: int, model: str) -> str:
    """Return the hash of what a model is shown of a person, with its pictures behind it."""
    found = await db.fetchval(QUERIES["get_view_shown"], profile_id=profile_id, model=model)
    return str(found or "")


async def page_verdicts(
    db: Executor,
    campaign: Campaign,
    *,
    prompt_version: str,
    after: tuple[int, int] = (0, 0),
    limit: int,
) -> list[StoredVerdict]:
    """Return the verdicts under the campaign's present criteria and brief, by person and time.

    Args:
        prompt_version: `omni.qualification.plan.PROMPT_VERSION`.
        after: `profile_id` and `id` of the last one of the page before.
    """
    rows = await db.fetch(
        QUERIES["page_verdicts"],
        campaign_id=campaign.id,
        criteria_hash=campaign.criteria_hash,
        prompt_version=asked_version(campaign, prompt_version),
        after_profile=after[0],
        after_id=after[1],
        limit=limit,
    )
    return [StoredVerdict(**row) for row in rows]


async def get_verdicts(db: Executor, ids: Sequence[int]) -> dict[int, StoredVerdict]:
    """Return verdicts by their ids."""
    rows = await db.fetch(QUERIES["get_verdicts"], ids=list(ids))
    return {row["id"]: StoredVerdict(**row) for row in rows}
