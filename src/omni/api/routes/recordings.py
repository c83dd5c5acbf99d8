"""What judges were asked, and what they answered."""

from __future__ import annotations

from fastapi import APIRouter

from omni.api.deps import Deps
from omni.api.routes.params import RowId
from omni.api.schemas import Page
from omni.api.schemas.judge import RecordingOut, TurnOut
from omni.campaigns import store as campaigns
from omni.leads import store as leads
from omni.qualification import judging_store as judging
from omni.qualification import recordings_store as recordings
from omni.qualification.recordings_store import Recording

router = APIRouter(tags=["judge"])


@router.get("/leads/{lead_id}/recordings", summary="Show how a lead's verdict came about")
async def list_lead_recordings(lead_id: RowId, deps: Deps) -> Page[RecordingOut]:
    """Show what was asked and answered for the verdict that the lead comes from, in order.

    There is none once it is older than OMNI_RECORDINGS_KEPT_DAYS.
    """
    lead = await leads.get_lead(deps.db, lead_id)
    verdict = (await judging.get_verdicts(deps.db, [lead.score_id])).get(lead.score_id)
    found = await recordings.list_of_stored(deps.db, lead.campaign_id, verdict) if verdict else []
    return Page(items=[_out(one) for one in found], next_cursor=None)


@router.get(
    "/campaigns/{campaign_id}/recordings/{profile_id}", summary="Show what was said of a person"
)
async def list_recordings(campaign_id: RowId, profile_id: RowId, deps: Deps) -> Page[RecordingOut]:
    """Show what judges were asked and answered about a person in a campaign, the newest first.

    Answers that are no verdict, those of comparisons and those on older views are among them; the
    last fifty are told.
    """
    await campaigns.get(deps.db, campaign_id)
    found = await recordings.list_of_person(deps.db, campaign_id, profile_id)
    return Page(items=[_out(one) for one in found], next_cursor=None)


def _out(one: Recording) -> RecordingOut:
    asked, answered = one.asked, one.answered
    return RecordingOut(
        key=one.key,
        model=one.model,
        recorded_at=one.recorded_at,
        system=_sayable(one.system),
        user=_sayable(asked.user),
        turns=[TurnOut(role=role, text=_sayable(text)) for role, text in asked.turns],
        images=[sha256 for _, sha256 in asked.images],
        answer=_sayable(answered.text),
        complete=answered.complete,
        refused=answered.refused,
        prompt_tokens=answered.prompt_tokens,
        answer_tokens=answered.answer_tokens,
        latency_ms=answered.latency_ms,
    )


def _sayable(text: str) -> str:
    """Return text without half characters, which JSON that others read cannot carry."""
    return text.encode("utf-8", "replace").decode("utf-8")
