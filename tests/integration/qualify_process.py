"""One worker of a qualification, to be killed.

Usage: python -m tests.integration.qualify_process DATABASE_URL MODEL_URL CAMPAIGN_ID JOB_ID
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from uuid import UUID

from omni.base.clock import utc_now
from omni.campaigns import store as campaigns
from omni.candidates.marks_work import mark_judged
from omni.jobs.types import Progress
from omni.llm.ollama import OllamaJudge
from omni.llm.pool import Pool
from omni.qualification.work import qualify
from omni.storage.db import Database

CONCURRENCY = 4


def unheard(progress: Progress) -> None:
    """Tell nobody."""
    del progress


async def main(database_url: str, model_url: str, campaign_id: int, job_id: UUID) -> None:
    """Judge everybody who is open."""
    db = await Database.connect(database_url, size=6)
    judge = OllamaJudge(
        model_url, "llama3.1", timeout_s=30, max_tokens=200, concurrency=CONCURRENCY
    )
    campaign = await campaigns.get(db, campaign_id)
    await qualify(
        db, [Pool(judge)], campaign, "anybody", limit=10_000, clock=utc_now, report=unheard,
        job_id=job_id, mark=partial(mark_judged, db, campaign_id),
    )  # fmt: skip
    await judge.close()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), UUID(sys.argv[4])))
