"""Campaigns and the versions of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Unpack

from omni.base.errors import NotFound
from omni.campaigns.bounds import check_autopilot, check_changes, checked_weights
from omni.campaigns.types import Campaign, Changes, FollowUp, MessageWriter, Version
from omni.predicate.types import Compiled
from omni.profiles.types import DEFAULT_WEIGHTS
from omni.storage.db import Executor, Row
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.campaigns")


async def create(
    tx: Executor,
    *,
    name: str,
    brief: str,
    compiled: Compiled,
    threshold: float,
    shortlist_size: int,
    message_template: str,
    now: datetime,
    daily_call_limit: int | None = None,
    daily_cost_limit_micros: int | None = None,
    judge_share: float = 1.0,
    writer: MessageWriter = "template",
    follow_ups: Sequence[FollowUp] = (),
) -> Campaign:
    """Create an active campaign with the default weights.

    Whoever creates it asks for a refresh of its candidates in the same transaction.

    Raises:
        Rejected: A value is out of bounds; `field` names it.
    """
    check_changes(
        {
            "name": name,
            "brief": brief,
            "threshold": threshold,
            "shortlist_size": shortlist_size,
            "message_template": message_template,
            "daily_call_limit": daily_call_limit,
            "daily_cost_limit_micros": daily_cost_limit_micros,
            "judge_share": judge_share,
            "writer": writer,
            "follow_ups": tuple(follow_ups),
        }
    )
    row = await tx.fetchrow(
        QUERIES["insert_campaign"],
        name=name,
        brief=brief,
        criteria=compiled.canonical,
        criteria_hash=compiled.criteria_hash,
        threshold=threshold,
        shortlist_size=shortlist_size,
        message_template=message_template,
        daily_call_limit=daily_call_limit,
        daily_cost_limit_micros=daily_cost_limit_micros,
        judge_share=judge_share,
        writer=writer,
        follow_ups=[asdict(each) for each in follow_ups],
        now=now,
    )
    return _found(row)


async def get(db: Executor, campaign_id: int) -> Campaign:
    """Return the campaign with its current weights.

    Raises:
        NotFound: There is no such campaign.
    """
    return _found(await db.fetchrow(QUERIES["get_campaign"], campaign_id=campaign_id))


async def lock(tx: Executor, campaign_id: int) -> Campaign:
    """Return the campaign, and keep others from changing it until the transaction ends.

    Raises:
        NotFound: There is no such campaign.
    """
    await tx.execute(QUERIES["lock_campaign"], campaign_id=campaign_id)
    return await get(tx, campaign_id)  # a statement of its own, which sees what the lock waited for


async def list_all(db: Executor, *, limit: int, after_id: int | None = None) -> list[Campaign]:
    """Return a page of campaigns in the order of their creation, beginning after `after_id`."""
    rows = await db.fetch(QUERIES["list_campaigns"], limit=limit, after_id=after_id or 0)
    return [_campaign(row) for row in rows]


async def active(db: Executor, limit: int, *, after_id: int = 0) -> list[Campaign]:
    """Return a page of active campaigns, the oldest first, beginning after `after_id`."""
    rows = await db.fetch(QUERIES["list_active"], limit=limit, after_id=after_id)
    return [_campaign(row) for row in rows]


async def versions(db: Executor, limit: int, *, after_id: int = 0) -> list[Version]:
    """Return what tells whether the campaigns of a page of `active` have changed."""
    rows = await db.fetch(QUERIES["list_versions"], limit=limit, after_id=after_id)
    return [Version(*row.values()) for row in rows]


async def update(
    tx: Executor, campaign_id: int, *, now: datetime, **changes: Unpack[Changes]
) -> Campaign:
    """Change what is given, and return the campaign as it is then.

    Whoever changes the criteria, or sets the status to active, asks for a refresh of its candidates
    in the same transaction.

    Raises:
        NotFound: There is no such campaign.
        Rejected: A value is out of bounds; `field` names it.
    """
    check_changes(changes)
    compiled = changes.get("compiled")
    row = await tx.fetchrow(
        QUERIES["update_campaign"],
        campaign_id=campaign_id,
        name=changes.get("name"),
        brief=changes.get("brief"),
        criteria=compiled.canonical if compiled else None,
        criteria_hash=compiled.criteria_hash if compiled else None,
        status=changes.get("status"),
        threshold=changes.get("threshold"),
        shortlist_size=changes.get("shortlist_size"),
        message_template=changes.get("message_template"),
        sets_call_limit="daily_call_limit" in changes,
        daily_call_limit=changes.get("daily_call_limit"),
        sets_cost_limit="daily_cost_limit_micros" in changes,
        daily_cost_limit_micros=changes.get("daily_cost_limit_micros"),
        judge_share=changes.get("judge_share"),
        writer=changes.get("writer"),
        follow_ups=[asdict(each) for each in changes["follow_ups"]]
        if "follow_ups" in changes
        else None,
        now=now,
    )
    return _found(row)


async def set_autopilot(
    tx: Executor, campaign_id: int, cap: int | None, *, now: datetime
) -> Campaign:
    """Set how many messages may go without a person's approval; only a person's act calls this.

    Args:
        tx: A transaction, in which what the autopilot has approved goes back to pending.
        campaign_id: Whose messages.
        cap: The most in any 24 hours; None: none.
        now: When the person did so.

    Raises:
        NotFound: There is no such campaign.
        Rejected: The cap is out of bounds.
    """
    check_autopilot(cap)
    row = await tx.fetchrow(
        QUERIES["set_autopilot"], campaign_id=campaign_id, autopilot_cap=cap, because=None, now=now
    )
    return _found(row)


async def stop_autopilot(
    tx: Executor, campaign_id: int, because: str, *, now: datetime
) -> Campaign:
    """Turn an autopilot off without a person, saying why; only a person turns it on again.

    Args:
        tx: A transaction, in which what the autopilot has approved goes back to pending.
        campaign_id: Whose messages.
        because: Why, in words.
        now: The present moment.

    Raises:
        NotFound: There is no such campaign.
    """
    row = await tx.fetchrow(
        QUERIES["set_autopilot"],
        campaign_id=campaign_id,
        autopilot_cap=None,
        because=because,
        now=now,
    )
    return _found(row)


async def add_weights(
    tx: Executor,
    campaign_id: int,
    *,
    weights: Sequence[float],
    trained_on: int,
    metrics: Mapping[str, Any],
    now: datetime,
) -> int:
    """Store new weights, which are the current ones from then on; return their version.

    Whoever adds weights asks for a refresh of the campaign's candidates in the same transaction.

    Args:
        tx: A transaction: of two learners at once, the second waits for the first.
        campaign_id: Whose weights they are.
        weights: One for each of `omni.profiles.types.SIGNALS`, within ±1,000.
        trained_on: How many outcomes the learner saw.
        metrics: What the learner says of its fit; plain JSON values.
        now: When they were learned.

    Raises:
        NotFound: There is no such campaign.
        Rejected: The weights are not one a signal, or out of bounds.
    """
    checked = checked_weights(weights)
    if await tx.fetchval(QUERIES["lock_campaign"], campaign_id=campaign_id) is None:
        raise NotFound("there is no such campaign")
    return await tx.fetchval(
        QUERIES["insert_weights"],
        campaign_id=campaign_id,
        weights=list(checked),
        trained_on=trained_on,
        metrics=dict(metrics),
        now=now,
    )


def _found(row: Row | None) -> Campaign:
    if row is None:
        raise NotFound("there is no such campaign")
    return _campaign(row)


def _campaign(row: Row) -> Campaign:
    return Campaign(
        id=row["id"],
        name=row["name"],
        brief=row["brief"],
        criteria=row["criteria"],
        criteria_hash=row["criteria_hash"],
        status=row["status"],
        threshold=row["threshold"],
        shortlist_size=row["shortlist_size"],
        message_template=row["message_template"],
        weights=tuple(row["weights"] or DEFAULT_WEIGHTS),
        weights_version=row["weights_version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        daily_call_limit=row["daily_call_limit"],
        daily_cost_limit_micros=row["daily_cost_limit_micros"],
        judge_share=row["judge_share"],
        writer=row["writer"],
        follow_ups=tuple(FollowUp(**each) for each in row["follow_ups"]),
        autopilot_cap=row["autopilot_cap"],
        autopilot_since=row["autopilot_since"],
        autopilot_off_because=row["autopilot_off_because"],
        autopilot_off_at=row["autopilot_off_at"],
    )
