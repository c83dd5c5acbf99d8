"""The API as a process of its own, so that its memory can be measured.

Usage: python -m tests.integration.suppressions_process DATABASE_URL; it prints its address, and
ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys

from omni.api.app import create_api
from omni.storage.db import Database
from tests.api_fixtures import deps, serving


async def main(database_url: str) -> None:
    db = await Database.connect(database_url, size=4)
    try:
        async with serving(create_api(deps(db))) as url:
            print(url, flush=True)
            await asyncio.to_thread(sys.stdin.read)
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
