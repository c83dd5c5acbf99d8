"""Calls about campaigns, their leads and their messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from omni.api.schemas import (
    CampaignOut,
    Decision,
    ExplainOut,
    JobAccepted,
    LeadChangeOut,
    LeadOut,
    MessageOut,
    Page,
    StatusOut,
)
from omni.campaigns.types import CampaignStatus, MessageWriter
from omni.client.calls import Calls, given


class CampaignCalls(Calls):
    """Campaigns, leads, messages."""

    async def create_campaign(
        self,
        *,
        name: str,
        criteria: Mapping[str, Any],
        brief: str | None = None,
        threshold: float | None = None,
        shortlist_size: int | None = None,
        message_template: str | None = None,
        writer: MessageWriter | None = None,
        follow_ups: Sequence[Mapping[str, Any]] | None = None,
        daily_call_limit: int | None = None,
        daily_cost_limit: float | None = None,
        judge_share: float | None = None,
        idempotency_key: str | None = None,
    ) -> CampaignOut:
        """Create a campaign; what is None gets the API's default."""
        body = given(
            name=name,
            criteria=criteria,
            brief=brief,
            threshold=threshold,
            shortlist_size=shortlist_size,
            message_template=message_template,
            writer=writer,
            follow_ups=follow_ups,
            daily_call_limit=daily_call_limit,
            daily_cost_limit=daily_cost_limit,
            judge_share=judge_share,
        )
        return await self._send(CampaignOut, "POST", "/campaigns", body, idempotency_key)

    async def list_campaigns(
        self, *, limit: int = 50, cursor: str | None = None
    ) -> Page[CampaignOut]:
        """Return a page of campaigns."""
        return await self._get(Page[CampaignOut], "/campaigns", {"limit": limit, "cursor": cursor})

    async def get_campaign(self, campaign_id: int) -> CampaignOut:
        """Return a campaign."""
        return await self._get(CampaignOut, f"/campaigns/{campaign_id}")

    async def update_campaign(
        self,
        campaign_id: int,
        *,
        name: str | None = None,
        brief: str | None = None,
        criteria: Mapping[str, Any] | None = None,
        status: CampaignStatus | None = None,
        threshold: float | None = None,
        shortlist_size: int | None = None,
        message_template: str | None = None,
        writer: MessageWriter | None = None,
        follow_ups: Sequence[Mapping[str, Any]] | None = None,
        daily_call_limit: int | Literal["keep"] | None = "keep",
        daily_cost_limit: float | Literal["keep"] | None = "keep",
        judge_share: float | None = None,
    ) -> CampaignOut:
        """Change a campaign; what is None stays as it is, but a limit that is None is lifted."""
        body = given(
            name=name,
            brief=brief,
            criteria=criteria,
            status=status,
            threshold=threshold,
            shortlist_size=shortlist_size,
            message_template=message_template,
            writer=writer,
            follow_ups=follow_ups,
            judge_share=judge_share,
        )
        limits = {"daily_call_limit": daily_call_limit, "daily_cost_limit": daily_cost_limit}
        body |= {name: limit for name, limit in limits.items() if limit != "keep"}
        return await self._send(CampaignOut, "PATCH", f"/campaigns/{campaign_id}", body)

    async def campaign_status(self, campaign_id: int) -> StatusOut:
        """Return the campaign's funnel and open work."""
        return await self._get(StatusOut, f"/campaigns/{campaign_id}/status")

    async def discover(
        self,
        campaign_id: int,
        *,
        platform: str,
        seed_type: str,
        seed_value: str,
        crawl_config: Mapping[str, int] | None = None,
        idempotency_key: str | None = None,
    ) -> JobAccepted:
        """Start to look for people."""
        body = given(
            platform=platform,
            seed_type=seed_type,
            seed_value=seed_value,
            crawl_config=crawl_config,
        )
        path = f"/campaigns/{campaign_id}/discover"
        return await self._send(JobAccepted, "POST", path, body, idempotency_key)

    async def qualify(
        self, campaign_id: int, *, limit: int | None = None, idempotency_key: str | None = None
    ) -> JobAccepted:
        """Start to judge the best candidates that were not judged yet."""
        path = f"/campaigns/{campaign_id}/qualify"
        return await self._send(JobAccepted, "POST", path, given(limit=limit), idempotency_key)

    async def leads(
        self,
        campaign_id: int,
        *,
        state: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[LeadOut]:
        """Return a page of leads, best first."""
        return await self._get(
            Page[LeadOut],
            f"/campaigns/{campaign_id}/leads",
            {"state": state, "limit": limit, "cursor": cursor},
        )

    async def iter_leads(
        self, campaign_id: int, *, state: str | None = None, page_size: int = 100
    ) -> AsyncIterator[LeadOut]:
        """Yield every lead, best first, reading pages as they are needed."""
        cursor: str | None = None
        while True:
            page = await self.leads(campaign_id, state=state, limit=page_size, cursor=cursor)
            for lead in page.items:
                yield lead
            cursor = page.next_cursor
            if cursor is None:
                return

    async def get_lead(self, lead_id: int) -> LeadOut:
        """Return a lead."""
        return await self._get(LeadOut, f"/leads/{lead_id}")

    async def lead_changes(self, lead_id: int, *, limit: int = 50) -> list[LeadChangeOut]:
        """Return what became of a lead, the newest first."""
        path = f"/leads/{lead_id}/changes"
        return (await self._get(Page[LeadChangeOut], path, {"limit": limit})).items

    async def decide_lead(
        self, lead_id: int, kind: Decision, *, idempotency_key: str | None = None
    ) -> LeadOut:
        """Accept or reject a lead; its campaign learns from it."""
        return await self._send(
            LeadOut, "POST", f"/leads/{lead_id}/feedback", {"kind": kind}, idempotency_key
        )

    async def explain(self, campaign_id: int, profile_id: int) -> ExplainOut:
        """Return why a person is, or is not, a candidate of a campaign."""
        return await self._get(ExplainOut, f"/campaigns/{campaign_id}/explain/{profile_id}")

    async def messages(
        self,
        campaign_id: int,
        *,
        state: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[MessageOut]:
        """Return a page of a campaign's messages, newest first."""
        return await self._get(
            Page[MessageOut],
            f"/campaigns/{campaign_id}/messages",
            {"state": state, "limit": limit, "cursor": cursor},
        )

    async def approve_message(
        self, message_id: int, body_hash: str, *, idempotency_key: str | None = None
    ) -> MessageOut:
        """Approve exactly the text that was read."""
        path = f"/messages/{message_id}/approve"
        body = {"body_hash": body_hash}
        return await self._send(MessageOut, "POST", path, body, idempotency_key)

    async def edit_message(
        self, message_id: int, body: str, *, read: str | None = None
    ) -> MessageOut:
        """Give a message another text; that voids an approval.

        Args:
            message_id: Which one.
            body: The new text.
            read: The `body_hash` of what was read: another text by now is a conflict.
        """
        sent = {"body": body} | given(body_hash=read)
        return await self._send(MessageOut, "PATCH", f"/messages/{message_id}", sent)

    async def settle_message(
        self, message_id: int, *, arrived: bool, idempotency_key: str | None = None
    ) -> MessageOut:
        """Say whether an ambiguous message has arrived; it is not sent again either way."""
        path = f"/messages/{message_id}/settle"
        return await self._send(MessageOut, "POST", path, {"arrived": arrived}, idempotency_key)

    async def reject_message(
        self, message_id: int, *, idempotency_key: str | None = None
    ) -> MessageOut:
        """Cancel a message for good."""
        return await self._send(
            MessageOut, "POST", f"/messages/{message_id}/reject", None, idempotency_key
        )
