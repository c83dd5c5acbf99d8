"""What would be drafted now, shown before anything is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from omni.api.deps import ApiDeps
from omni.api.schemas.drafting import (
    ClaimOut,
    DraftingOut,
    DraftPreview,
    DraftsPreview,
    DraftsPreviewIn,
)
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.dispatch import accounts_store as accounts
from omni.dispatch import drafts_store as drafts
from omni.dispatch import forecast_store, plan, writing_store
from omni.dispatch.drafting_plan import (
    PURPOSES,
    Draft,
    MessageTemplate,
    Recipient,
    Undrafted,
    from_template,
    standstill,
    why_nothing,
    writers,
)
from omni.jobs import store as jobs
from omni.jobs.types import DraftMessages
from omni.qualification import costing_store as costing
from omni.qualification.recordings_store import KeptRecordings

LOOKED_BACK = timedelta(days=7)
"""How old the call of a model may be that says how it does."""
MOST_OPEN = 100
USUAL_TOKENS = (1_000, 600)
"""Of the question and, at most, of the answer of a call that writes."""


async def preview_drafts(deps: ApiDeps, campaign_id: int, asked: DraftsPreviewIn) -> DraftsPreview:
    """Return the texts for the best leads that have none, and when all of them could be out.

    What a model would write is shown where it was asked before; nobody is asked for it here.

    Raises:
        NotFound: There is no such campaign.
        Rejected: The template cannot be rendered.
    """
    campaign = await campaigns.get(deps.db, campaign_id)
    if asked.message_template is not None:
        # Also where nobody is left to show it for: a preview is to tell that it is wrong.
        plan.check_template(asked.message_template)
        campaign = replace(campaign, message_template=asked.message_template)
    if asked.writer is not None:
        campaign = replace(campaign, writer=asked.writer)
    now = deps.clock()
    models = writing_models(deps)
    note = why_nothing(campaign, 0, has_model=bool(models))
    people = await _recipients(deps, campaign_id, asked.limit, now)
    items = [] if note else [await _preview_one(deps, campaign, models, each) for each in people]
    counts = await _count(deps, campaign_id, now)
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


async def drafting_now(deps: ApiDeps, campaign_id: int) -> DraftingOut:
    """Return whether first messages are drafted at this moment, and why not; nobody is asked.

    Raises:
        NotFound: There is no such campaign.
    """
    campaign, now = await campaigns.get(deps.db, campaign_id), deps.clock()
    models, today = writing_models(deps), now.astimezone(UTC).date()
    calls = await costing.last_calls(
        deps.db, campaign_id, models, PURPOSES, since=today - LOOKED_BACK
    )
    spent = await costing.spent(deps.db, campaign_id, today)
    price = deps.prices.cost_micros(models[0], *USUAL_TOKENS) if models else 0
    found = standstill(campaign, models, calls, spent, price_micros=price)
    queued = await jobs.list_jobs(deps.db, campaign_id=campaign_id, state="queued", limit=MOST_OPEN)
    runs = [job.run_at for job in queued if job.kind == DraftMessages.kind]
    return DraftingOut(
        campaign_id=campaign_id,
        recipients=sum((await _count(deps, campaign_id, now)).values()),
        reason=found.kind if found else None,
        words=found.words if found else "",
        help=found.help if found else "",
        since=found.since if found else None,
        next_at=min(runs, default=None),
    )


async def _count(deps: ApiDeps, campaign_id: int, now: datetime) -> dict[str, int]:
    return await drafts.count_recipients(
        deps.db,
        campaign_id,
        open_states=plan.OPEN_STATES,
        conversation_since=now - plan.CONVERSATION,
    )


def writing_models(deps: ApiDeps) -> list[str]:
    """Return the models that can write, in the order of preference."""
    models = [judge.model for judge in deps.judges]
    return [models[place] for place in writers(models)]


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
    deps: ApiDeps, campaign: Campaign, models: Sequence[str], person: Recipient
) -> DraftPreview:
    if campaign.writer == "template":
        text = from_template(MessageTemplate(campaign.message_template), campaign, person)
    else:
        kept = KeptRecordings(deps.db)
        text = await writing_store.find(campaign, 0, person, kept, models)
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
