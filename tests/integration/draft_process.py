"""One worker that drafts, to be killed.

Usage: python -m tests.integration.draft_process DATABASE_URL MODEL_URL CAMPAIGN_ID
"""

from __future__ import annotations

import asyncio
import sys
from uuid import uuid4

from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.dispatch.drafting_types import Recipient
from omni.dispatch.drafting_work import draft
from omni.dispatch.writing import PROMPT_VERSION
from omni.dispatch.writing_work import Author, write_with
from omni.llm.openai import OpenAIJudge
from omni.llm.pace import Retries
from omni.llm.pool import Pool
from omni.llm.ports import Meter
from omni.llm.types import Prices
from omni.qualification.ledger import LedgerMeter
from omni.qualification.recordings import About
from omni.qualification.recordings_store import KeptRecordings, Recorder
from omni.storage.db import Database
from tests.dispatch_fixtures import NOW


def author_at(db: Database, campaign: Campaign, url: str) -> Author:
    """Return an author with the model of the server at this address."""
    judge = OpenAIJudge(url, "llama3.1", api_key=None, timeout_s=60, max_tokens=600, concurrency=2)

    def meter(person: Recipient, purpose: str) -> Meter:
        about = About(campaign.id, person.profile_id, None, campaign.criteria_hash, PROMPT_VERSION)
        ledger = LedgerMeter(
            db, lambda: NOW, purpose, Prices(), campaign_id=campaign.id,
            profile_id=person.profile_id, job_id=uuid4(),
        )  # fmt: skip
        return Recorder(ledger, db, about, lambda: NOW)

    return Author([Pool(judge, retries=Retries(attempts=1))], KeptRecordings(db), meter)


async def main(database_url: str, model_url: str, campaign_id: int) -> None:
    """Write to everybody who has no draft."""
    db = await Database.connect(database_url, size=4)
    campaign = await campaigns.get(db, campaign_id)
    write = write_with(author_at(db, campaign, model_url), campaign)
    await draft(db, campaign, now=NOW, write=write)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
