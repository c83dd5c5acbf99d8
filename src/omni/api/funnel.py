"""The funnel of one campaign: every count is taken at one moment, from an index."""

from __future__ import annotations

from omni.api import store
from omni.api.schemas import Funnel, StatusOut
from omni.campaigns import store as campaigns
from omni.candidates import store as candidates
from omni.dispatch import store as dispatch
from omni.feedback import store as feedback
from omni.jobs import store as jobs
from omni.leads import store as leads
from omni.qualification import store as qualification
from omni.qualification.plan import PROMPT_VERSION
from omni.storage.db import Database

_STANDING = ("new", "accepted", "rejected", "contacted", "replied")


async def read_status(db: Database, campaign_id: int) -> StatusOut:
    """Count how far people got in a campaign.

    Raises:
        NotFound: There is no such campaign.
    """
    async with db.transaction() as tx:
        await store.freeze_snapshot(tx)
        campaign = await campaigns.get(tx, campaign_id)
        judged, qualified = await qualification.count_verdicts(
            tx, campaign, prompt_version=PROMPT_VERSION
        )
        lead_states = await leads.count_by_state(tx, campaign_id)
        message_states = await dispatch.count_by_state(tx, campaign_id)
        return StatusOut(
            campaign_id=campaign_id,
            status=campaign.status,
            funnel=Funnel(
                discovered=await store.count_discovered(tx, campaign_id),
                candidates=await candidates.count(tx, campaign_id),
                judged=judged,
                qualified=qualified,
                leads=sum(lead_states.get(state, 0) for state in _STANDING),
                contacted=await dispatch.count_contacted(tx, campaign_id),
                replied=await feedback.count_replied(tx, campaign_id),
            ),
            leads=lead_states,
            messages=message_states,
            open_jobs=await jobs.count_open(tx, campaign_id),
        )
