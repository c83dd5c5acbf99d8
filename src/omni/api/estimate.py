"""What the next run of a campaign will probably take and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from omni.api.deps import ApiDeps
from omni.api.schemas.costs import AllCostsOut, CostOut, CostsOut, EstimateOut
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.llm.types import IMAGE_TOKENS, images_of, tokens_of
from omni.predicate.plan import compile_criteria
from omni.qualification import carrying_store as carrying
from omni.qualification import costing_store as costing
from omni.qualification import shortlist_store as shortlists
from omni.qualification.costing_plan import Budget, estimate
from omni.qualification.plan import PROMPT_VERSION, build_question
from omni.qualification.types import Cost, VerdictKey

SAMPLE = 20
MOST_LOOKED_AT = 10_000
"""Open candidates that an estimate looks at after an edit."""
RECENT = timedelta(days=30)


async def estimate_run(deps: ApiDeps, campaign_id: int, limit: int | None) -> EstimateOut:
    """Return the estimate; nobody is asked for it.

    Raises:
        NotFound: There is no such campaign.
    """
    campaign = await campaigns.get(deps.db, campaign_id)
    if not deps.judges or not campaign.judge_share:
        return EstimateOut(model=None, calls=0, currency=deps.prices.currency)
    judge, now = deps.judges[0], deps.clock()
    key = VerdictKey.of(campaign, model=judge.model, prompt_version=PROMPT_VERSION)
    epoch = await shortlists.epoch_of(deps.db, key, campaign.criteria, now)
    waiting, carried = await _open_after_carrying(
        deps, campaign, key, epoch, limit or campaign.shortlist_size
    )
    calls = max(1, round(campaign.judge_share * deps.judge_share * len(waiting))) if waiting else 0
    found = await estimate_calls(deps, campaign, calls, waiting)
    return found.model_copy(update={"carried": carried})


async def _open_after_carrying(
    deps: ApiDeps, campaign: Campaign, key: VerdictKey, epoch: int, limit: int
) -> tuple[list[int], int]:
    """Return who will be asked about, best first, and how many of those before them will not be.

    Verdicts that an edit cannot change are carried over when the next run begins, and make room
    for others; up to `MOST_LOOKED_AT` are looked at.
    """
    size = limit
    while True:
        found = await shortlists.list_open(deps.db, key, epoch, limit=size, mark=_mark_nobody)
        ids = [one.profile_id for one in found]
        carried = await carrying.find_carriable(deps.db, key, epoch, campaign, ids)
        left = [one for one in ids if one not in carried]
        if len(left) >= limit or len(ids) < size or size >= MOST_LOOKED_AT:
            return left[:limit], len(carried)
        size = min(size * 4, MOST_LOOKED_AT)


async def estimate_calls(
    deps: ApiDeps, campaign: Campaign, calls: int, profile_ids: Sequence[int]
) -> EstimateOut:
    """Return what so many calls of the first judge take.

    Args:
        campaign: As it would be.
        profile_ids: Of some of the people, for the lengths of their prompts.
    """
    if not deps.judges or not campaign.judge_share:
        return EstimateOut(model=None, calls=0, currency=deps.prices.currency)
    judge, now = deps.judges[0], deps.clock()
    found = estimate(
        calls,
        await _lengths(deps, campaign, list(profile_ids[:SAMPLE])),
        await costing.get_pace(deps.db, campaign.id, judge.model, since=_day(now - RECENT)),
        model=judge.model,
        prices=deps.prices,
        concurrency=judge.concurrency,
        budget=await _budget_left(deps, campaign),
    )
    return EstimateOut(
        model=judge.model,
        calls=found.calls,
        prompt_tokens=found.prompt_tokens,
        answer_tokens=found.answer_tokens,
        seconds=found.seconds,
        cost=None if found.cost_micros is None else found.cost_micros / 1e6,
        currency=deps.prices.currency,
        measured=found.measured,
        budget_ends=found.budget_ends,
    )


async def read_costs(deps: ApiDeps, campaign_id: int, days: int) -> CostsOut:
    """Return what a campaign's calls were and cost, by day, model and purpose.

    Raises:
        NotFound: There is no such campaign.
    """
    campaign = await campaigns.get(deps.db, campaign_id)
    today = _day(deps.clock())
    found = await costing.costs(deps.db, campaign_id, since=today - timedelta(days=days - 1))
    spent = await costing.spent(deps.db, campaign_id, today)
    limit = campaign.daily_cost_limit_micros
    return CostsOut(
        items=_items(found),
        currency=deps.prices.currency,
        calls_today=spent.calls,
        cost_today=spent.cost_micros / 1e6,
        daily_call_limit=campaign.daily_call_limit,
        daily_cost_limit=None if limit is None else limit / 1e6,
    )


async def read_all_costs(deps: ApiDeps, days: int) -> AllCostsOut:
    """Return what all calls were and cost, those of no campaign included."""
    since = _day(deps.clock()) - timedelta(days=days - 1)
    found = await costing.all_costs(deps.db, since=since)
    return AllCostsOut(items=_items(found), currency=deps.prices.currency)


def _items(found: list[Cost]) -> list[CostOut]:
    return [
        CostOut(
            day=one.day, model=one.model, purpose=one.purpose, calls=one.calls,
            answered=one.answered, failed=one.failed, prompt_tokens=one.prompt_tokens,
            answer_tokens=one.answer_tokens, cost=one.cost_micros / 1e6,
        )
        for one in found
    ]  # fmt: skip


async def _mark_nobody(epoch: int, settled: Mapping[int, str]) -> None:
    """Leave it to a run to note who is settled."""


async def _lengths(deps: ApiDeps, campaign: Campaign, ids: list[int]) -> list[int]:
    """Return about how many tokens the prompts of these people have."""
    english = compile_criteria(campaign.criteria).english
    asked = [
        build_question(brief=campaign.brief, criteria=campaign.criteria, english=english, view=view)
        for view in await costing.list_views(deps.db, ids)
    ]
    # As if everybody had as many pictures as the judge is shown at most.
    seen = IMAGE_TOKENS * images_of(deps.judges[0].model) if deps.judges else 0
    return [seen + tokens_of(len(one.system) + len(one.user)) for one in asked]


def _day(now: datetime) -> date:
    """Return the day whose budget a moment belongs to: days are those of UTC."""
    return now.astimezone(UTC).date()


async def _budget_left(deps: ApiDeps, campaign: Campaign) -> Budget:
    spent = await costing.spent(deps.db, campaign.id, _day(deps.clock()))
    calls, cost = campaign.daily_call_limit, campaign.daily_cost_limit_micros
    return Budget(
        None if calls is None else max(0, calls - spent.calls),
        None if cost is None else max(0, cost - spent.cost_micros),
    )
