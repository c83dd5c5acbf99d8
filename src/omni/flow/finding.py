"""The step that finds people: a crawl from a seed."""

from __future__ import annotations

from contextlib import aclosing
from time import monotonic

from omni.connectors.types import Seed
from omni.crawl import work as crawling
from omni.flow import intake
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World
from omni.jobs.types import CrawlSeed


async def crawl_seed(world: World, job: JobContext, args: CrawlSeed) -> StepResult:
    """Walk from the seed; write each batch with its follow-up jobs in one transaction."""
    walk = crawling.crawl(
        world.source(args.platform),
        Seed(args.platform, args.seed_type, args.seed_value),
        args.config,
        concurrency=world.settings.crawler_concurrency,
        monotonic=monotonic,
        report=job.report,
    )
    total = intake.NOTHING
    async with aclosing(walk):
        async for batch in walk:
            total = intake.add(total, await intake.write(world, job, batch))
    return StepResult(intake.counts(total))
