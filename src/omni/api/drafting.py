"""What would be drafted now, shown before anything is."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime

from omni.api.deps import ApiDeps
from omni.api.schemas.drafting import ClaimOut, DraftPreview, DraftsPreview, DraftsPreviewIn
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.dispatch import accounts_store as accounts
from omni.dispatch import drafts_store as drafts
from omni.dispatch import forecast_store, plan, writing_store
from omni.dispatch.drafting_plan import (
    Draft,
    MessageTemplate,
    Recipient,
    Undrafted,
    from_template,
    why_nothing,
    writers,
)
from omni.qualification.recordings_store import KeptRecordings


async def preview_drafts(deps: ApiDeps, campaign_id: int, asked: DraftsPreviewIn) -> DraftsPreview:
    """Return the texts for the best leads that have none, and when all of them could be out.

    What a model would write is shown where it was asked before; nobody is asked for it here.

    Raises:
        NotFound: There is no such campaign.
        Rejected: The template cannot be rendered.
    """
    campaign = await campaigns.get(deps.db, campaign_id)
    if asked.message_template is not None:
        campaign = replace(campaign, message_template=asked.message_template)
    if asked.writer is not None:
        campaign = replace(campaign, writer=asked.writer)
    now = deps.clock()
    able = writers([judge.model for judge in deps.judges])
    note = why_nothing(campaign, 0, has_model=bool(able))
    people = await _recipients(deps, campaign_id, asked.limit, now)
    items = [] if note else [await _preview_one(deps, campaign, able, each) for each in people]
    counts = await drafts.count_recipients(
        deps.db,
        campaign_id,
        open_states=plan.OPEN_STATES,
        conversation_since=now - plan.CONVERSATION,
    )
    waiting, finish = await forecast_store.finish_of(
        deps.db, await accounts.list_accounts(deps.db), counts, now=now
    )
    return DraftsPreview(
        items=items,
        recipients=sum(counts.values()),
        waiting=waiting,
        finish_at=finish,
        unwritten=sum(item.body is None and item.problem is None for item in items),
        note=note,
    )


async def _recipients(
    deps: ApiDeps, campaign_id: int, limit: int, now: datetime
) -> list[Recipient]:
    found: list[Recipient] = []
    for state in ("accepted", "new"):
        if len(found) < limit:
            found += await drafts.list_recipients(
                deps.db,
                campaign_id,
                state,
                open_states=plan.OPEN_STATES,
                conversation_since=now - plan.CONVERSATION,
                limit=limit - len(found),
            )
    return found


async def _preview_one(
    deps: ApiDeps, campaign: Campaign, able: list[int], person: Recipient
) -> DraftPreview:
    if campaign.writer == "template":
        text = from_template(MessageTemplate(campaign.message_template), campaign, person)
    else:
        known = writing_store.recorded(KeptRecordings(deps.db), deps.judges[able[0]].model)
        text = await writing_store.compose(campaign, 0, person, known)
    return DraftPreview(
        lead_id=person.lead_id,
        platform=person.platform,
        username=person.username,
        body=text.body if isinstance(text, Draft) else None,
        problem=text.why if isinstance(text, Undrafted) else None,
        claims=[ClaimOut(**asdict(claim)) for claim in text.claims]
        if isinstance(text, Draft)
        else [],
    )
