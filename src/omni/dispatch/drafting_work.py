"""The effect edge of drafting: leads become messages that wait for a person's approval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.dispatch import plan
from omni.dispatch.template import MessageTemplate
from omni.dispatch.types import Draft, DraftReport, Gate, Recipient
from omni.storage.db import Database
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.dispatch", "drafts")

DRAFT_BATCH = 200
MAX_DRAFTS = 10_000
_NEWEST = 2**63 - 1


async def draft(db: Database, campaign: Campaign, *, now: datetime) -> DraftReport:
    """Write a message that waits for approval for each lead that has none, best leads first.

    Raises:
        Rejected: The campaign's template cannot be rendered (field `message_template`).
    """
    if campaign.status != "active":
        return DraftReport(0, note=f"the campaign is {campaign.status}")
    if not campaign.message_template.strip():
        return DraftReport(0, note="the campaign has no message template")
    template = MessageTemplate(campaign.message_template)
    drafted, skipped = 0, Counter[str]()
    for state in ("accepted", "new"):
        before = (float("inf"), _NEWEST)
        while drafted < MAX_DRAFTS:
            people = await _recipients(db, campaign.id, state, before, now)
            drafts, left_out = plan.write_drafts(template, campaign.name, people)
            drafted += await _insert(db, campaign.id, drafts, now)
            skipped.update(left_out)
            if len(people) < DRAFT_BATCH:
                break
            before = (people[-1].score, people[-1].lead_id)
    get_logger().info("dispatch.drafted", campaign_id=campaign.id, drafted=drafted)
    return DraftReport(drafted, dict(skipped))


async def _recipients(
    db: Database, campaign_id: int, state: str, before: tuple[float, int], now: datetime
) -> list[Recipient]:
    """Return the next leads that may get a draft, best first."""
    rows = await db.fetch(
        QUERIES["page_recipients"],
        campaign_id=campaign_id,
        state=state,
        before_score=before[0],
        before_id=before[1],
        open_states=list(plan.OPEN_STATES),
        conversation_since=now - plan.CONVERSATION,
        limit=DRAFT_BATCH,
    )
    return [plan.recipient_from(row) for row in rows]


async def _insert(db: Database, campaign_id: int, drafts: Sequence[Draft], now: datetime) -> int:
    """Write the drafts; return how many of the people had none for this step."""
    people = [draft.recipient for draft in drafts]
    return await db.execute(
        QUERIES["insert_drafts"],
        campaign_id=campaign_id,
        held_by=Gate.APPROVAL,
        now=now,
        lead_ids=[person.lead_id for person in people],
        profile_ids=[person.profile_id for person in people],
        platforms=[person.platform for person in people],
        platform_ids=[person.platform_id for person in people],
        usernames=[person.username for person in people],
        bodies=[draft.body for draft in drafts],
        body_hashes=[draft.body_hash for draft in drafts],
    )
