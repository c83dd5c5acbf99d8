"""Crawlers as processes of their own, for tests that kill them.

Usage: python -m tests.integration.crawl_process DATABASE_URL REDIS_URL PREFIX NETWORK_URL FOLDER

For each line on its input it forks one more crawler, and tells its pid; so a test need not wait for
Python to load everything again. The crawlers end when the input does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from omni.base.clock import utc_now
from omni.base.settings import Settings
from omni.flow.runs import Timing
from omni.flow.steps import bind_steps
from omni.flow.types import JobContext, StepResult
from omni.flow.worker import run_worker
from omni.flow.world import build_world
from omni.jobs.types import JobArgs

BRISK = Timing(lease=2.0, beat=0.3, drain=1.0, abandon=10.0)
"""So that a killed crawler's job is soon taken up by another."""


async def pass_over(job: JobContext, args: JobArgs) -> StepResult:
    """Leave a job that follows: only the crawl is looked at."""
    return StepResult()


async def crawl(*where: str) -> None:
    database_url, redis_url, prefix, network_url, folder = where
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        data_dir=Path(folder),
        queue_prefix=prefix,
        synthetic_port=urlsplit(network_url).port or 0,
        crawler_concurrency=4,
    )
    async with build_world(settings, database_url, redis_url) as world:
        await run_worker(
            db=world.db,
            broker=world.broker,
            steps={**bind_steps(world), "images.fetch": pass_over},
            queues=["crawl"],
            concurrency=1,
            clock=utc_now,
            stop=stop,
            timing=BRISK,
        )


def main(*where: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    crawlers: list[int] = []
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(2, 1)  # the log goes elsewhere than the pids
            asyncio.run(crawl(*where))
            os._exit(0)
        crawlers.append(pid)
        print(pid, flush=True)
    for pid in crawlers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:6])
