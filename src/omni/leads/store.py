"""Reads and writes leads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from omni.base.errors import NotFound
from omni.leads.states import decided
from omni.leads.types import LEAD_STATES, PROFILE_URLS, Lead, LeadChange, LeadPage
from omni.qualification.types import VerdictKey
from omni.storage.db import Executor
from omni.storage.sql import Fragment, load_queries

QUERIES = load_queries("omni.leads")

_LAST_ID = 2**63 - 1
_TOP = (math.inf, _LAST_ID)
_ANY_STATE = Fragment("")
_ONE_STATE = Fragment("and l.state = :state")


async def page_json(
    db: Executor,
    campaign_id: int,
    *,
    state: str | None,
    after: tuple[float, int] | None,
    limit: int,
) -> LeadPage:
    """Return a page of leads as a JSON array, built by Postgres and passed through unread.

    The order is by score, then by id, both descending. A page begins right behind `after`, so that
    leads that arrive meanwhile neither repeat nor hide another.

    Args:
        state: Only leads in this state; None is all.
        after: Score and id of the last lead of the page before; None is the first page.
        limit: The most leads of the page.
    """
    after_score, after_id = after or _TOP
    row = await db.fetchrow(
        QUERIES["page_leads"],
        {"in_state": _ANY_STATE if state is None else _ONE_STATE},
        campaign_id=campaign_id,
        state=state,
        after_score=after_score,
        after_id=after_id,
        place=limit,
        profile_urls=PROFILE_URLS,
    )
    if row is None or row["items"] is None:
        return LeadPage(b"[]", None)
    items: list[str] = row["items"]
    next_after = (row["last_score"], row["last_id"]) if len(items) > limit else None
    return LeadPage(f"[{','.join(items[:limit])}]".encode(), next_after)


async def get_lead(db: Executor, lead_id: int) -> Lead:
    """Return the lead.

    Raises:
        NotFound: There is none with this id.
    """
    row = await db.fetchrow(QUERIES["get_lead"], lead_id=lead_id)
    if row is None:
        raise NotFound(f"no lead {lead_id}")
    return Lead(**row)


async def decide(tx: Executor, lead_id: int, *, accepted: bool, now: datetime) -> Lead:
    """Record a person's decision on a lead, and return the lead as it is then.

    Call it in a transaction: the lead is locked in between.

    Raises:
        NotFound: There is none with this id.
        Conflict: It was written to already, or withdrawn.
    """
    row = await tx.fetchrow(QUERIES["lock_lead"], lead_id=lead_id)
    if row is None:
        raise NotFound(f"no lead {lead_id}")
    lead = Lead(**row)
    state = decided(lead.state, accepted=accepted)
    if state == lead.state:
        return lead
    changed = await tx.fetchrow(QUERIES["record_decision"], lead_id=lead_id, state=state, now=now)
    if changed is None:
        raise NotFound(f"no lead {lead_id}")
    return Lead(**changed)


async def mark_contacted(tx: Executor, lead_ids: Sequence[int], now: datetime) -> int:
    """Record that a message went out; return how many leads changed."""
    return await tx.execute(QUERIES["mark_contacted"], lead_ids=list(lead_ids), now=now)


async def mark_replied(tx: Executor, lead_ids: Sequence[int], now: datetime) -> int:
    """Record that the person wrote back; return how many leads changed."""
    return await tx.execute(QUERIES["mark_replied"], lead_ids=list(lead_ids), now=now)


async def count_by_state(db: Executor, campaign_id: int) -> dict[str, int]:
    """Return how many of the campaign's leads are in each state, those with none included."""
    rows = await db.fetch(QUERIES["count_by_state"], campaign_id=campaign_id)
    return dict.fromkeys(LEAD_STATES, 0) | {row["state"]: row["count"] for row in rows}


async def promote_page(
    tx: Executor,
    key: VerdictKey,
    *,
    before: Sequence[str] = (),
    threshold: float,
    after: int,
    batch: int,
    now: datetime,
) -> tuple[int | None, int, int]:
    """Turn one page of positive verdicts into leads.

    Args:
        key: Which verdicts.
        after: The last verdict id of the page before; 0 is the first page.
        batch: The most verdicts of the page.

    Returns:
        The last verdict id of the page (None: the page is empty), new leads, updated leads.
    """
    row = await tx.fetchrow(
        QUERIES["promote_page"],
        **asdict(key),
        before=list(before),
        threshold=threshold,
        after=after,
        batch=batch,
        now=now,
    )
    return (row["last_id"], row["new"], row["updated"]) if row else (None, 0, 0)


async def withdraw_page(
    tx: Executor,
    key: VerdictKey,
    *,
    before: Sequence[str] = (),
    threshold: float,
    after: tuple[float, int] | None,
    batch: int,
    now: datetime,
) -> tuple[tuple[float, int] | None, int]:
    """Withdraw those of one page of new leads whose person no longer fits.

    Args:
        key: Which verdicts count.
        before: Models whose verdict counts more, where there is one.
        after: Score and id of the last lead of the page before; None is the first page.
        batch: The most leads of the page.

    Returns:
        Score and id of the page's last lead (None: the page is empty), and how many withdrew.
    """
    after_score, after_id = after or _TOP
    row = await tx.fetchrow(
        QUERIES["withdraw_page"],
        **asdict(key),
        before=list(before),
        threshold=threshold,
        after_score=after_score,
        after_id=after_id,
        batch=batch,
        now=now,
    )
    if row is None or not row["seen"]:
        return None, 0
    return (row["last_score"], row["last_id"]), row["withdrawn"]


async def note_later_page(
    tx: Executor, key: VerdictKey, *, after: int, batch: int, now: datetime
) -> tuple[int | None, int]:
    """Note newer verdicts on those of one page of leads that must not change by themselves.

    Returns:
        The last profile of the page (None: it is empty), and how many verdicts were news.
    """
    row = await tx.fetchrow(
        QUERIES["note_later_page"], **asdict(key), after=after, batch=batch, now=now
    )
    return (row["last_profile"], row["noted"]) if row else (None, 0)


async def list_changes(db: Executor, lead_id: int, *, limit: int) -> list[LeadChange]:
    """Return what became of a lead, the newest first."""
    rows = await db.fetch(QUERIES["list_changes"], lead_id=lead_id, limit=limit)
    return [LeadChange(**row) for row in rows]


async def find_live(db: Executor, profile_ids: Sequence[int]) -> set[int]:
    """Return who of these people is a lead of any campaign, not rejected and not withdrawn."""
    rows = await db.fetch(QUERIES["find_live"], profile_ids=list(profile_ids))
    return {row["profile_id"] for row in rows}


async def page_moved(
    db: Executor, campaign_id: int, *, since: datetime, after: int, limit: int
) -> list[int]:
    """Return a page of the people whose lead in a campaign has changed since a moment, by id."""
    rows = await db.fetch(
        QUERIES["page_moved"], campaign_id=campaign_id, since=since, after=after, limit=limit
    )
    return [row["profile_id"] for row in rows]
