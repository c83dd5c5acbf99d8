"""Turns verdicts into leads, and takes back those whose person no longer fits."""

from __future__ import annotations

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
    db: Database, campaign: Campaign, *, model: str, prompt_version: str, now: datetime
) -> LeadReport:
    """Bring the campaign's leads up to date with its verdicts, threshold and candidates.

    A positive verdict on a candidate's view as it is now, at or above the threshold, makes a lead,
    renews a new one, or brings a withdrawn one back. A new lead withdraws when its person left the
    candidates, is suppressed, or has a verdict now that makes none. What a person decided, and who
    was written to, is left alone. Running it again changes nothing.

    The cost is that of the campaign's own positive verdicts and new leads.

    Args:
        model: `Judge.model`; verdicts of another do not count.
        prompt_version: `omni.qualification.plan.PROMPT_VERSION`.
    """
    key = VerdictKey.of(campaign, model=model, prompt_version=prompt_version)
    withdrawn = await _withdraw(db, key, campaign.threshold, now)
    new, updated = await _promote(db, key, campaign.threshold, now)
    report = LeadReport(new=new, updated=updated, withdrawn=withdrawn)
    get_logger().info("leads.verdicts_promoted", new=new, updated=updated, withdrawn=withdrawn)
    return report


async def _promote(
    db: Database, key: VerdictKey, threshold: float, now: datetime
) -> tuple[int, int]:
    new = updated = 0
    last: int | None = 0
    while last is not None:
        last, added, renewed = await store.promote_page(
            db, key, threshold=threshold, after=last, batch=BATCH, now=now
        )
        new, updated = new + added, updated + renewed
    return new, updated


async def _withdraw(db: Database, key: VerdictKey, threshold: float, now: datetime) -> int:
    withdrawn = 0
    after: tuple[float, int] | None = None
    while True:
        after, gone = await store.withdraw_page(
            db, key, threshold=threshold, after=after, batch=BATCH, now=now
        )
        if after is None:
            return withdrawn
        withdrawn += gone
