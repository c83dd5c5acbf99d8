"""The demo's script: the five steps of the end-to-end test, and the way from lead to weights."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from omni.base.clock import utc_now
from omni.cli.reading import LEAD_COLUMNS, lead_row
from omni.cli.stage import Stage
from omni.client.client import OmniClient
from omni.client.models import CampaignOut, JobOut, TimetableKind

NAME = "Demo: potters who show their work"
BRIEF = "Potters and ceramic artists who write about their pottery: clay, glaze, kiln."
SEED = ("search", "ceramics")
TEMPLATE = (
    "Hi {{ name }}, your pottery caught my eye. We are putting together a small show of ceramics "
    "this spring. May I tell you more?"
)
CRITERIA: tuple[dict[str, Any], dict[str, Any]] = (
    {
        "all": [
            {"field": "followers", "op": "between", "value": [50, 20_000]},
            {"field": "accepts_messages", "op": "=", "value": True},
            {"not": {"field": "is_bot", "op": "=", "value": True}},
        ]
    },
    {
        "all": [
            {"field": "followers", "op": "between", "value": [20, 5_000]},
            {"field": "posts_per_week", "op": ">=", "value": 0.25},
            {"not": {"field": "is_bot", "op": "=", "value": True}},
        ]
    },
)
"""A run changes from the one to the other, so that the next run has a change to make again."""
SHORTLIST = 300
"""More than the seed leads to, so that one qualification judges everybody."""
APPROVED = 8
DECIDED = 4
ACCOUNT = "omni-demo"
REPLIES_WITHIN_S = 8.0
LEADS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Script:
    """Plays the steps; everything goes through the API."""

    client: OmniClient
    stage: Stage

    async def play(self) -> CampaignOut:
        """Play every step; return the campaign.

        Raises:
            Fatal: A job failed.
        """
        campaign = await self._campaign()
        await self._discover(campaign.id)
        await self._qualify(campaign.id)
        await self._qualify_again(campaign.id)
        campaign = await self._change_criteria(campaign)
        await self._send(campaign.id)
        await self._read_replies(campaign.id)
        await self._learn(campaign)
        await self._show_leads(campaign.id)
        return campaign

    async def _campaign(self) -> CampaignOut:
        self.stage.heading("1  Create a campaign")
        found = await self._find()
        campaign = found or await self.client.create_campaign(
            name=NAME,
            brief=BRIEF,
            criteria=CRITERIA[0],
            shortlist_size=SHORTLIST,
            message_template=TEMPLATE,
        )
        self.stage.fact(f"{campaign.name}{' — it is here from an earlier run' if found else ''}")
        self.stage.note(f"whom: {campaign.english}")
        self.stage.note(f"criteria_hash {campaign.criteria_hash[:16]}…")
        return campaign

    async def _find(self) -> CampaignOut | None:
        cursor: str | None = None
        while True:
            page = await self.client.list_campaigns(limit=100, cursor=cursor)
            for campaign in page.items:
                if campaign.name == NAME and campaign.status == "active":
                    return campaign
            if (cursor := page.next_cursor) is None:
                return None

    async def _discover(self, campaign_id: int) -> None:
        self.stage.heading(f"2  Discover people: {SEED[0]} “{SEED[1]}”")
        accepted = await self.client.discover(
            campaign_id,
            platform="synthetic",
            seed_type=SEED[0],
            seed_value=SEED[1],
            crawl_config={"max_profiles": SHORTLIST},
        )
        job = await self.stage.watch(self.client, accepted.job_id, "crawling")
        await self.stage.settle(self.client, "candidates.", "finding candidates")
        funnel = (await self.client.campaign_status(campaign_id)).funnel
        self.stage.fact(f"{_counts(job)} → {funnel.candidates} candidates")

    async def _qualify(self, campaign_id: int) -> None:
        self.stage.heading("3  Qualify the shortlist")
        job = await self._judge(campaign_id)
        status = await self.client.campaign_status(campaign_id)
        self.stage.fact(f"{_result(job, 'verdicts')} new verdicts → {status.funnel.leads} leads")

    async def _qualify_again(self, campaign_id: int) -> None:
        self.stage.heading("4  Qualify again, with nothing changed")
        job = await self._judge(campaign_id)
        calls, verdicts = _result(job, "calls"), _result(job, "verdicts")
        self.stage.fact(f"{verdicts} new verdicts, {calls} calls of the judge")

    async def _change_criteria(self, campaign: CampaignOut) -> CampaignOut:
        self.stage.heading("5  Change the criteria")
        first = await self._is_first(campaign)
        changed = await self.client.update_campaign(
            campaign.id, criteria=CRITERIA[1] if first else CRITERIA[0]
        )
        self.stage.note(f"whom now: {changed.english}")
        await self.stage.settle(self.client, "candidates.", "going through the candidates")
        moved = await self._last(campaign.id, "candidates.refresh")
        funnel = (await self.client.campaign_status(campaign.id)).funnel
        self.stage.fact(
            f"{_result(moved, 'entered')} people came in, {_result(moved, 'left')} left "
            f"→ {funnel.candidates} candidates"
        )
        job = await self._judge(campaign.id)
        verdicts, carried = _result(job, "verdicts"), _result(job, "carried")
        told = f", {carried} carried over: the edit cannot change them" if carried else ""
        told = told or ("" if verdicts else ": all are known")
        self.stage.fact(f"{verdicts or 'no'} new verdicts{told}")
        return changed

    async def _send(self, campaign_id: int) -> None:
        self.stage.heading("6  Approve messages and send them")
        await self._account()
        await self.stage.settle(self.client, "dispatch.draft", "drafting")
        waiting = await self.client.messages(campaign_id, state="pending", limit=200)
        # Step 5 withdrew leads that had drafts: those can no longer be approved.
        leads = await self.client.leads(campaign_id, limit=200)
        standing = {lead.id for lead in leads.items if lead.state != "withdrawn"}
        drafts = [message for message in waiting.items if message.lead_id in standing]
        self.stage.fact(f"{len(drafts)} drafts wait for approval; nothing goes out before")
        chosen = drafts[-APPROVED:]  # the oldest drafts, which are those of the best leads
        before = await self._messages(campaign_id, "sent")
        for message in chosen:
            await self.client.approve_message(message.id, message.body_hash)
        if chosen:
            self.stage.note(f"to @{chosen[-1].username}: {chosen[-1].body}")
        await self._start("dispatch.dm", "sending")
        await self._until_on_their_way(campaign_id)
        sent = await self._messages(campaign_id, "sent") - before
        self.stage.fact(f"{len(chosen)} approved, {sent} sent")

    async def _until_on_their_way(self, campaign_id: int) -> None:
        """Wait a moment for a run of dispatch that was there before ours, and took some of them."""
        for _ in range(50):
            if not await self._messages(campaign_id, "approved", "claimed", "sending"):
                return
            await asyncio.sleep(0.2)

    async def _messages(self, campaign_id: int, *states: str) -> int:
        status = await self.client.campaign_status(campaign_id)
        return sum(status.messages.get(state, 0) for state in states)

    async def _account(self) -> None:
        if not any(a.handle == ACCOUNT for a in await self.client.list_accounts()):
            await self.client.create_account(
                platform="synthetic",
                handle=ACCOUNT,
                hourly_limit=30,
                daily_limit=100,
                warmup_from=None,  # a made-up network, which nobody can annoy
            )

    async def _read_replies(self, campaign_id: int) -> None:
        self.stage.heading("7  Read what came back")
        until = utc_now().timestamp() + REPLIES_WITHIN_S
        recorded = 0
        while True:
            recorded += _result(
                await self._start("feedback.sweep", "reading the inbox"), "recorded"
            )
            if utc_now().timestamp() > until:
                break
            await asyncio.sleep(1.5)
        status = await self.client.campaign_status(campaign_id)
        self.stage.fact(f"{recorded} new events; {status.funnel.replied} people have answered")
        opted_out = await self.client.list_suppressions(limit=100)
        if opted_out.items:
            self.stage.note(f"{len(opted_out.items)} asked not to be written to: never again")

    async def _learn(self, campaign: CampaignOut) -> None:
        self.stage.heading("8  Decide on a few leads, and learn from all outcomes")
        page = await self.client.leads(campaign.id, state="new", limit=200)
        best, rest = page.items[:DECIDED], page.items[DECIDED:][-DECIDED:]
        for lead in best:
            await self.client.decide_lead(lead.id, "accepted")
        for lead in rest:
            await self.client.decide_lead(lead.id, "rejected")
        await self._start("weights.update", "learning", campaign.id)
        await self.stage.settle(self.client, "candidates.", "scoring anew")
        learned = await self.client.get_campaign(campaign.id)
        self.stage.fact(f"{len(best)} accepted, {len(rest)} rejected")
        if learned.weights_version == campaign.weights_version:
            self.stage.fact("too few outcomes yet for new weights; they stay as they are")
            return
        self.stage.fact(f"weights, version {learned.weights_version}; tomorrow's shortlist follows")
        told = (f"{name} {weight:+.2f}" for name, weight in learned.weights.items())
        self.stage.note("   ".join(told))

    async def _show_leads(self, campaign_id: int) -> None:
        page = await self.client.leads(campaign_id, limit=200)
        leads = [lead for lead in page.items if lead.state != "withdrawn"][:LEADS_SHOWN]
        status = await self.client.campaign_status(campaign_id)
        self.stage.heading(f"Leads: the best {len(leads)} of {status.funnel.leads}")
        self.stage.table(LEAD_COLUMNS, [lead_row(lead, 1) for lead in leads])
        funnel = status.funnel.model_dump()
        self.stage.heading(" → ".join(f"{count} {stage}" for stage, count in funnel.items()))

    async def _judge(self, campaign_id: int) -> JobOut:
        accepted = await self.client.qualify(campaign_id)
        return await self.stage.watch(self.client, accepted.job_id, "judging")

    async def _start(
        self, kind: TimetableKind, what: str, campaign_id: int | None = None
    ) -> JobOut:
        accepted = await self.client.run_now(kind, campaign_id=campaign_id)
        return await self.stage.watch(self.client, accepted.job_id, what)

    async def _last(self, campaign_id: int, kind: str) -> JobOut | None:
        page = await self.client.list_jobs(campaign_id=campaign_id, limit=50)
        return next((job for job in page.items if job.kind == kind), None)

    async def _is_first(self, campaign: CampaignOut) -> bool:
        """Tell whether the campaign has the first of the two criteria, in canonical form."""
        return "posts_per_week" not in str(campaign.criteria)


def _result(job: JobOut | None, name: str) -> int:
    value = (job.result or {}).get(name, 0) if job else 0
    return value if isinstance(value, int) else 0


def _counts(job: JobOut) -> str:
    new, changed, unchanged = (_result(job, name) for name in ("new", "changed", "unchanged"))
    read = new + changed + unchanged
    return f"{read} profiles read: {new} new, {changed} changed, {unchanged} unchanged"
