"""What people decided of leads and of disagreements: the labels that verdicts are held against."""

from __future__ import annotations

from omni.campaigns.types import Campaign
from omni.qualification.types import Label
from omni.storage.db import Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.leads", "labels")
MAX_LABELS = 100_000


async def list_labels(db: Executor, campaign: Campaign) -> list[Label]:
    """Return each person on whom somebody decided, with the verdict that it is held against."""
    rows = await db.fetch(
        QUERIES["list_labels"],
        campaign_id=campaign.id,
        criteria_hash=campaign.criteria_hash,
        limit=MAX_LABELS,
    )
    return [Label(**row) for row in rows]
