"""Turns verdicts into leads, and takes back those whose person no longer fits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.base.log import get_logger
from omni.campaigns.types import Campaign
from omni.leads import store
from omni.leads.types import LeadReport
from omni.qualification.types import VerdictKey
from omni.storage.db import Database

BATCH = 500
"""The most verdicts, or leads, that one transaction looks at."""


async def promote(
    db: Database,
    campaign: Campaign,
    *,
    models: Sequence[str],
    prompt_version: str,
    now: datetime,
) -> LeadReport:
    """Bring the campaign's leads up to date with its verdicts, threshold and candidates.

    A positive verdict on a candidate's view as it is now, at or above the threshold, makes a lead,
    renews a new one, or brings a withdrawn one back. A new lead withdraws when its person left the
    candidates, is suppressed, or has a verdict now that makes none. What a person decided, and who
    was written to, is left alone: a newer verdict on them is noted, and shown. Running it again
    changes nothing.

    The cost is that of the campaign's own positive verdicts and leads.

    Args:
        models: `Judge.model` of each judge, the preferred one first: of somebody's verdicts that of
            the first one counts. Verdicts of other models do not.
        prompt_version: `omni.qualification.plan.PROMPT_VERSION`.
    """
    withdrawn = new = updated = judged_later = 0
    for place, model in enumerate(models):
        key = VerdictKey.of(campaign, model=model, prompt_version=prompt_version)
        before = tuple(models[:place])
        withdrawn += await _withdraw(db, key, before, campaign.threshold, now)
        added, renewed = await _promote(db, key, before, campaign.threshold, now)
        new, updated = new + added, updated + renewed
    if models:
        key = VerdictKey.of(campaign, model=models[0], prompt_version=prompt_version)
        judged_later = await _note_later(db, key, now)
    report = LeadReport(new=new, updated=updated, withdrawn=withdrawn, judged_later=judged_later)
    get_logger().info("leads.verdicts_promoted", new=new, updated=updated, withdrawn=withdrawn)
    return report


async def _promote(
    db: Database, key: VerdictKey, before: Sequence[str], threshold: float, now: datetime
) -> tuple[int, int]:
    new = updated = 0
    last: int | None = 0
    while last is not None:
        last, added, renewed = await store.promote_page(
            db, key, before=before, threshold=threshold, after=last, batch=BATCH, now=now
        )
        new, updated = new + added, updated + renewed
    return new, updated


async def _withdraw(
    db: Database, key: VerdictKey, before: Sequence[str], threshold: float, now: datetime
) -> int:
    withdrawn = 0
    after: tuple[float, int] | None = None
    while True:
        after, gone = await store.withdraw_page(
            db, key, before=before, threshold=threshold, after=after, batch=BATCH, now=now
        )
        if after is None:
            return withdrawn
        withdrawn += gone


async def _note_later(db: Database, key: VerdictKey, now: datetime) -> int:
    noted = 0
    after: int | None = 0
    while after is not None:
        after, news = await store.note_later_page(db, key, after=after, batch=BATCH, now=now)
        noted += news
    return noted
