"""Why nothing is sent."""

from __future__ import annotations

from fastapi import APIRouter

from omni.api.deps import Deps
from omni.api.holding import campaign_held
from omni.api.routes.params import RowId
from omni.api.schemas import CampaignHeld

router = APIRouter(prefix="/campaigns", tags=["messages"])


@router.get("/{campaign_id}/held", summary="Say why nothing is sent")
async def get_held(campaign_id: RowId, deps: Deps) -> CampaignHeld:
    """Count the messages that wait by the one gate that holds them, with what helps.

    Gates of messages and people stand as the last run found them; what holds an account, a
    platform or the campaign is looked at now.
    """
    return await campaign_held(deps.db, campaign_id, deps.senders, deps.clock())
