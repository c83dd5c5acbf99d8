"""The five-step script, and the whole loop through to better weights, on the synthetic network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from omni.client.models import TimetableKind
from tests.e2e.five_steps import Script, finished, run_five_steps, settled
from tests.e2e.product import Product, running_product

SCRIPT = Script(
    platform="synthetic",
    seed_type="search",
    seed_value="climate",
    brief="People who research the climate: energy policy, heat pumps, peatlands.",
    criteria={
        "all": [
            {"field": "followers", "op": ">=", "value": 10},
            {"not": {"field": "is_bot", "op": "=", "value": True}},
        ]
    },
    changed_criteria={"field": "followers", "op": ">=", "value": 5},
    least_profiles=5,
    least_leads=1,
)
LIMIT = 15
REPLIES_S = 60.0

pytestmark = pytest.mark.xdist_group("product")


async def test_five_steps(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    async with running_product(tmp_path, database_url, valkey_url, queue_prefix) as product:
        await run_five_steps(product, SCRIPT)


async def test_the_whole_loop_ends_in_better_weights(
    tmp_path: Path, database_url: str, valkey_url: str, queue_prefix: str
) -> None:
    async with running_product(
        tmp_path, database_url, valkey_url, queue_prefix, synthetic_people=3_000
    ) as product:
        campaign_id = await _qualified_campaign(product)
        sent = await _approve_and_send(product, campaign_id)
        await _read_replies(product, campaign_id)
        await _opt_outs_hold(product)
        await _decide(product, campaign_id)
        await _learn(product, campaign_id)
        await _sending_again_sends_nobody_twice(product, sent)


async def _qualified_campaign(product: Product) -> int:
    campaign = await product.api.create_campaign(
        name="Everybody whom the network knows",
        brief="Climate researchers, potters and bakers: climate, pottery, ceramics, baking.",
        criteria={"field": "accepts_messages", "op": "=", "value": True},
        threshold=0.0,
        shortlist_size=200,
        message_template="Hi {{ name }}, may I ask you about your work?",
    )
    for words in ("climate", "pottery", "baking"):
        started = await product.api.discover(
            campaign.id,
            platform="synthetic",
            seed_type="search",
            seed_value=words,
            crawl_config={"max_depth": 1, "max_profiles": 120},
        )
        await finished(product, str(started.job_id))
    await settled(product)
    started = await product.api.qualify(campaign.id)
    await finished(product, str(started.job_id))
    drafting = await product.rows("select id from jobs where kind = 'dispatch.draft'")
    await finished(product, str(drafting[0]["id"]))
    return campaign.id


async def _approve_and_send(product: Product, campaign_id: int) -> int:
    await product.api.create_account(
        platform="synthetic", handle="me", hourly_limit=LIMIT, daily_limit=LIMIT, warmup_from=None
    )
    await _run(product, "dispatch.dm")
    assert await product.count("messages", "state <> 'pending'") == 0, "sent without approval"
    drafts = (await product.api.messages(campaign_id, state="pending", limit=200)).items
    assert len(drafts) > 2 * LIMIT
    for draft in drafts[: LIMIT + 5]:
        await product.api.approve_message(draft.id, draft.body_hash)
    await _run(product, "dispatch.dm")
    charged = await product.count("messages", "state in ('sent', 'ambiguous', 'sending')")
    assert 0 < charged <= LIMIT, "over the hourly limit"
    assert await product.count("messages", "state = 'approved' and held_by is not null") > 0
    assert await product.count("leads", "state = 'contacted'") > 0
    return charged


async def _read_replies(product: Product, campaign_id: int) -> None:
    async with asyncio.timeout(REPLIES_S):
        while not await product.count("feedback_events", "kind = 'opt_out'"):
            await _run(product, "feedback.sweep")
            await asyncio.sleep(0.5)
    await _run(product, "feedback.sweep")
    status = await product.api.campaign_status(campaign_id)
    assert status.funnel.replied > 0
    assert status.leads["replied"] > 0


async def _opt_outs_hold(product: Product) -> None:
    asked = await product.rows(
        "select m.platform_id from feedback_events e join messages m on m.id = e.message_id"
        " where e.kind = 'opt_out'"
    )
    suppressed = {row["platform_id"] for row in await product.rows("select * from suppressions")}
    assert {row["platform_id"] for row in asked} <= suppressed


async def _decide(product: Product, campaign_id: int) -> None:
    """Accept who posts often, reject who does not: a taste that the signals can express."""
    for lead in (await product.api.leads(campaign_id, state="new", limit=60)).items:
        profile = await product.rows(
            "select coalesce(posts_per_week, 0) >= 1.5 as lively from profile_features"
            f" where profile_id = {lead.profile_id}"
        )
        await product.api.decide_lead(lead.id, "accepted" if profile[0]["lively"] else "rejected")


async def _learn(product: Product, campaign_id: int) -> None:
    before = await _places_of_the_wanted(product, campaign_id)
    result = await _run(product, "weights.update", campaign_id)
    assert result["learned"], result
    assert result["metrics"]["log_loss_after"] < result["metrics"]["log_loss_before"]
    assert result["metrics"]["auc_after"] >= result["metrics"]["auc_before"]
    await settled(product)
    campaign = await product.api.get_campaign(campaign_id)
    assert campaign.weights_version == 1
    assert await _places_of_the_wanted(product, campaign_id) < before


async def _places_of_the_wanted(product: Product, campaign_id: int) -> float:
    """Return the mean place, in the order of the cheap score, of those whom feedback calls good."""
    ranked = await product.rows(
        "select profile_id from campaign_candidates"
        f" where campaign_id = {campaign_id} order by candidate_score_cheap desc, profile_id"
    )
    wanted = {
        row["profile_id"]
        for row in await product.rows(
            "select profile_id from feedback_events where kind in ('interested', 'accepted')"
        )
    }
    return mean(place for place, row in enumerate(ranked) if row["profile_id"] in wanted)


async def _sending_again_sends_nobody_twice(product: Product, sent: int) -> None:
    await _run(product, "dispatch.dm")
    assert await product.count("messages", "sent_at is not null") <= sent
    doubled = (
        "select 1 from messages where sent_at is not null group by platform_id having count(*) > 1"
    )
    assert not await product.rows(doubled)


async def _run(
    product: Product, kind: TimetableKind, campaign_id: int | None = None
) -> dict[str, Any]:
    """Run a job of the timetable now, and wait for its result."""
    accepted = await product.api.run_now(kind, campaign_id=campaign_id)
    return await finished(product, str(accepted.job_id))
