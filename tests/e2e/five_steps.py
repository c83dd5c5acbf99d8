"""The seeds' own end-to-end script, for any platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omni.jobs.types import JobState
from tests.e2e.product import Product

JOB_S = 180.0


@dataclass(frozen=True, slots=True)
class Script:
    """What differs between platforms."""

    platform: str
    seed_type: str
    seed_value: str
    brief: str
    criteria: dict[str, Any]
    changed_criteria: dict[str, Any]
    least_profiles: int
    least_leads: int


async def run_five_steps(product: Product, script: Script) -> int:
    """Run the script, asserting each step on the tables; return the campaign's id."""
    campaign_id = await _create(product, script)
    await _discover(product, script, campaign_id)
    await _qualify(product, script, campaign_id)
    await _qualify_again_for_nothing(product, campaign_id)
    await _change_criteria(product, script, campaign_id)
    return campaign_id


async def finished(product: Product, job_id: str, state: JobState = "succeeded") -> dict[str, Any]:
    """Wait for a job and return its result."""
    job = await product.api.wait_for_job(job_id, timeout=JOB_S)
    assert job.state == state, (job.state, job.error)
    return job.result or {}


async def settled(product: Product, kinds: str = "candidates.%") -> None:
    """Wait until no job of these kinds (a pattern of LIKE) is left that is due."""
    open_jobs = (
        "select id from jobs where state in ('queued', 'running') and run_at <= now()"
        f" and kind like '{kinds}' limit 1"
    )
    while rows := await product.rows(open_jobs):
        await product.api.wait_for_job(str(rows[0]["id"]), timeout=JOB_S)


async def _create(product: Product, script: Script) -> int:
    campaign = await product.api.create_campaign(
        name=f"{script.platform} people",
        brief=script.brief,
        criteria=script.criteria,
        shortlist_size=500,
    )
    assert campaign.criteria_hash
    assert await product.count("campaigns", f"id = {campaign.id}") == 1
    return campaign.id


async def _discover(product: Product, script: Script, campaign_id: int) -> None:
    started = await product.api.discover(
        campaign_id,
        platform=script.platform,
        seed_type=script.seed_type,
        seed_value=script.seed_value,
    )
    await finished(product, str(started.job_id))
    await settled(product)
    raw = await product.count("profiles_raw")
    assert raw >= script.least_profiles
    assert await product.count("profile_features") == raw
    assert await product.count("discoveries", f"campaign_id = {campaign_id}") == raw
    stale = "select 1 from profiles_raw r join profile_features f using (profile_id)"
    assert not await product.rows(f"{stale} where f.version_hash <> r.content_hash")


async def _qualify(product: Product, script: Script, campaign_id: int) -> None:
    started = await product.api.qualify(campaign_id)
    result = await finished(product, str(started.job_id))
    verdicts = await product.count("llm_scores", f"campaign_id = {campaign_id}")
    assert result["calls"] == verdicts > 0
    leads = await product.count("leads", f"campaign_id = {campaign_id} and state = 'new'")
    assert leads >= script.least_leads
    status = await product.api.campaign_status(campaign_id)
    assert status.funnel.judged == verdicts
    page = await product.api.leads(campaign_id, limit=200)
    assert len(page.items) == leads
    assert all(lead.reasons for lead in page.items)


async def _qualify_again_for_nothing(product: Product, campaign_id: int) -> None:
    tables = ("llm_scores", "leads", "messages")
    before = [await product.count(table) for table in tables]
    started = await product.api.qualify(campaign_id)
    result = await finished(product, str(started.job_id))
    assert result["calls"] == 0
    assert [await product.count(table) for table in tables] == before


async def _change_criteria(product: Product, script: Script, campaign_id: int) -> None:
    candidates = f"select profile_id from campaign_candidates where campaign_id = {campaign_id}"
    before = {row["profile_id"] for row in await product.rows(candidates)}
    verdicts = await product.count("llm_scores")
    await product.api.update_campaign(campaign_id, criteria=script.changed_criteria)
    await settled(product)
    after = {row["profile_id"] for row in await product.rows(candidates)}
    assert after
    assert after != before
    started = await product.api.qualify(campaign_id)
    result = await finished(product, str(started.job_id))
    # Verdicts that the edit cannot change are carried over; the others are asked for.
    added = result["calls"] + result["carried"]
    assert await product.count("llm_scores") == verdicts + added > verdicts
