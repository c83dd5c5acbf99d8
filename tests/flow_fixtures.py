"""A world for steps, without processes: the test runs a step as a worker would."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid4

from omni.base.settings import Settings
from omni.connectors.types import RawProfile, RefPage, Seed
from omni.flow.steps import bind_steps
from omni.flow.types import JobContext, StepResult
from omni.flow.world import World, build_world
from omni.jobs.types import JobArgs

Answer = Sequence[RawProfile] | Exception


@asynccontextmanager
async def running_world(
    folder: Path, database_url: str, valkey_url: str, **parts: object
) -> AsyncGenerator[World]:
    """Build a world on the test's own servers, with some of its parts replaced."""
    settings = Settings(_env_file=None, data_dir=folder)  # pyright: ignore[reportCallIssue]
    async with build_world(settings, database_url, valkey_url) as world:
        yield replace(world, **parts)  # pyright: ignore[reportArgumentType]


async def run_step(world: World, args: JobArgs, job_id: UUID | None = None) -> StepResult:
    """Run the step of these arguments once."""
    job = JobContext(
        id=job_id or uuid4(),
        campaign_id=getattr(args, "campaign_id", None),
        attempt=1,
        report=lambda _: None,
    )
    return await bind_steps(world)[args.kind](job, args)


@dataclass
class AnsweringSource:
    """A platform that answers each fetch as the test says, and notes what it was asked."""

    platform: str
    answer: Callable[[Sequence[str]], Answer]
    batch_size: int = 2
    seed_types: frozenset[str] = frozenset()
    asked: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    async def expand(self, seed: Seed, cursor: str | None) -> RefPage:
        """Lead nowhere."""
        return RefPage((), None)

    async def fetch(self, platform_ids: Sequence[str]) -> Sequence[RawProfile]:
        """Return what the test says, or raise it."""
        self.asked.append(tuple(platform_ids))
        answer = self.answer(platform_ids)
        if isinstance(answer, Exception):
            raise answer
        return answer
