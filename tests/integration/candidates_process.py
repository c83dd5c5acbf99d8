"""A worker as a process of its own that maintains candidates, one line of profile_ids at a time.

Usage: python -m tests.integration.candidates_process DATABASE_URL
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing

from omni.base.errors import Transient
from omni.candidates import work
from omni.flow.crowds import Crowds
from omni.storage.db import Database
from tests.candidates_fixtures import NOW


async def main(database_url: str) -> None:
    """Print a line when ready, and one when the pairs of a line's profiles are right."""
    db = await Database.connect(database_url, size=2)
    crowds = Crowds()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        await until_done(db, crowds, json.loads(line))
        print("done", flush=True)
    await db.close()


async def until_done(db: Database, crowds: Crowds, profile_ids: list[int]) -> None:
    """Run the job again as long as it asks for that, as the queue does."""
    while True:
        try:
            async with aclosing(crowds.pages(db)) as pages:
                async for crowd in pages:
                    await work.maintain(db, crowd, profile_ids, now=NOW)
        except Transient:
            continue
        return


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
