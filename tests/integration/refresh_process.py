"""A worker as a process of its own that refreshes one campaign, and says how far it is.

Usage: python -m tests.integration.refresh_process DATABASE_URL CAMPAIGN_ID JOB_ID RANGE
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from omni.campaigns import store as campaigns
from omni.candidates import work
from omni.storage.db import Database
from tests.candidates_fixtures import NOW, target_of


async def main(database_url: str, campaign_id: str, job_id: str, size: str) -> None:
    """Print the last profile of each range as soon as that is done."""
    work.PROFILES_PER_RANGE = int(size)
    db = await Database.connect(database_url, size=2)
    target = target_of(await campaigns.get(db, int(campaign_id)))
    await work.refresh(
        db,
        target,
        now=NOW,
        report=lambda progress: print(progress.done, flush=True),
        job_id=UUID(job_id),
    )
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
