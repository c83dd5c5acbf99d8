"""Judges a campaign again from recordings alone, and holds verdicts and leads against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.leads import replay_store as leads
from omni.llm.ports import Prompt, Turn, key_of_parts
from omni.qualification import judging_store as judging
from omni.qualification import recordings_store as recordings
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.recordings import Recording
from omni.qualification.replaying import Replayed, StoredVerdict, hold_against, read_again
from omni.storage.db import Database

PAGE = 200
MAX_SHOWN = 100
"""The most differences that a report tells one by one."""


@dataclass(slots=True)
class ReplayReport:
    """What a replay found; no model was called.

    Attributes:
        verdicts: How many are `identical`, `different`, and `missing` from the recordings: those
            under the campaign's present criteria, brief and prompt.
        leads: The same of the leads that stand, whatever criteria they came from.
        problems: The first of those that are not identical.
    """

    campaign_id: int
    verdicts: Counter[str] = field(default_factory=Counter[str])
    leads: Counter[str] = field(default_factory=Counter[str])
    problems: list[Replayed] = field(default_factory=list[Replayed])

    @property
    def identical(self) -> bool:
        """Whether every verdict and every lead came out the same."""
        return not any(
            counts[outcome]
            for counts in (self.verdicts, self.leads)
            for outcome in ("different", "missing")
        )

    def add(self, counts: Counter[str], found: Replayed) -> None:
        """Count one."""
        counts[found.outcome] += 1
        if found.outcome != "identical" and len(self.problems) < MAX_SHOWN:
            self.problems.append(found)


async def replay(db: Database, campaign_id: int) -> ReplayReport:
    """Read every recorded answer again, and compare verdicts and leads with what is stored.

    Raises:
        NotFound: There is no such campaign.
    """
    campaign = await campaigns.get(db, campaign_id)
    report = ReplayReport(campaign_id)
    await _replay_verdicts(db, campaign, report)
    await _replay_leads(db, campaign, report)
    return report


async def _replay_verdicts(db: Database, campaign: Campaign, report: ReplayReport) -> None:
    after = (0, 0)
    while page := await judging.page_verdicts(
        db, campaign, prompt_version=PROMPT_VERSION, after=after, limit=PAGE
    ):
        for stored in page:
            held = await _recordings_of(db, campaign.id, stored)
            report.add(report.verdicts, hold_against(stored, held))
        after = (page[-1].profile_id, page[-1].id)


async def _replay_leads(db: Database, campaign: Campaign, report: ReplayReport) -> None:
    after = 0
    while page := await leads.page_standing(db, campaign.id, after=after, limit=PAGE):
        verdicts = await judging.get_verdicts(db, [lead.score_id for lead in page])
        for lead in page:
            report.add(report.leads, await _replay_lead(db, campaign, lead, verdicts))
        after = page[-1].id


async def _replay_lead(
    db: Database,
    campaign: Campaign,
    lead: leads.StandingLead,
    verdicts: dict[int, StoredVerdict],
) -> Replayed:
    stored = verdicts.get(lead.score_id)
    held = [] if stored is None else await _recordings_of(db, campaign.id, stored)
    again = read_again(held)
    if stored is None or again is None:
        return Replayed(lead.profile_id, lead.username, "missing", "no recorded verdict makes it")
    if not again.qualified:
        return Replayed(lead.profile_id, lead.username, "different", "the recording says no")
    standing = StoredVerdict(
        stored.id, lead.profile_id, lead.username, stored.profile_hash, stored.criteria_hash,
        stored.prompt_version, stored.model, True, lead.score, lead.confidence, lead.reasons,
    )  # fmt: skip
    return hold_against(standing, held)


async def _recordings_of(db: Database, campaign_id: int, stored: StoredVerdict) -> list[Recording]:
    """Return a verdict's recordings; one that is not what its key says is none."""
    held = await recordings.list_of_stored(db, campaign_id, stored)
    return [recording for recording in held if _is_genuine(recording)]


def _is_genuine(recording: Recording) -> bool:
    asked = recording.asked
    turns = tuple(
        Turn("assistant" if role == "assistant" else "user", text) for role, text in asked.turns
    )
    prompt = Prompt(recording.system, asked.user, asked.schema, turns=turns)
    return key_of_parts(recording.model, prompt, asked.images) == recording.key
