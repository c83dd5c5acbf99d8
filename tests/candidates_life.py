"""Changes of all kinds that come at once, and the jobs that they ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from random import Random
from typing import Any

from omni.base.errors import Transient
from omni.campaigns import store as campaigns
from omni.candidates import work
from omni.candidates.differences import ANYTHING, marks_of
from omni.flow.crowds import Crowds
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.profiles.types import SIGNALS
from omni.storage.db import Database
from tests.candidates_fixtures import (
    COUNTS,
    NOW,
    WORDS,
    change_profiles,
    change_words,
    delete_profiles,
    target_of,
)

POPULAR = {"field": "followers", "op": ">=", "value": 500}
UNPOPULAR = {"not": POPULAR}
GERMAN = {"field": "country", "op": "=", "value": "de"}
CRITERIA = (
    POPULAR,
    UNPOPULAR,
    GERMAN,
    {"any": [GERMAN, {"all": [POPULAR, {"not": {"field": "bio", "op": "exists"}}]}]},
    {"field": "text", "op": "matches", "value": "solar"},
    {"all": [POPULAR, {"field": "bio", "op": "matches", "value": '"solar energy"'}]},
)


class Life:
    """Changes that come at once, each followed by the job that it asks for.

    Changes are made over `db`, jobs run over `jobs`; a job whose connection is killed runs again.
    """

    def __init__(
        self, db: Database, jobs: Database, ids: list[int], campaign_ids: list[int], seed: int
    ) -> None:
        self._db = db
        self._jobs_db = jobs
        self._ids = ids
        self._campaign_ids = campaign_ids
        self._random = Random(seed)
        self._crowds = Crowds()
        self._jobs: list[asyncio.Task[None]] = []
        self.failures = 0

    async def crawl(self, rounds: int) -> None:
        for _ in range(rounds):
            ids = self._random.sample(self._ids, 60)
            async with self._db.transaction() as tx:
                await change_profiles(tx, ids, by=self._random.randrange(1, 900))
            self.start(self._maintain, dict.fromkeys(ids, marks_of(COUNTS)))

    async def write(self, rounds: int) -> None:
        for _ in range(rounds):
            ids = self._random.sample(self._ids, 60)
            async with self._db.transaction() as tx:
                await change_words(tx, ids)
            self.start(self._maintain, dict.fromkeys(ids, marks_of(WORDS)))

    async def erase(self, rounds: int) -> None:
        for _ in range(rounds // 2):
            ids = self._random.sample(self._ids, 5)
            await delete_profiles(self._db, ids)
            self.start(self._maintain, dict.fromkeys(ids, ANYTHING))

    async def edit(self, rounds: int) -> None:
        for _ in range(rounds):
            campaign_id = self._random.choice(self._campaign_ids)
            compiled = compile_criteria(self._random.choice(CRITERIA))
            async with self._db.transaction() as tx:
                await campaigns.update(tx, campaign_id, now=NOW, compiled=compiled)
            self.start(self._refresh, campaign_id)

    async def pause(self, rounds: int) -> None:
        for _ in range(rounds // 2):
            campaign_id = self._random.choice(self._campaign_ids)
            await campaigns.update(self._db, campaign_id, now=NOW, status="paused")
            await asyncio.sleep(self._random.random() / 20)
            await campaigns.update(self._db, campaign_id, now=NOW, status="active")
            self.start(self._refresh, campaign_id)

    async def learn(self, rounds: int) -> None:
        for _ in range(rounds // 2):
            campaign_id = self._random.choice(self._campaign_ids)
            weights = [self._random.random() for _ in SIGNALS]
            async with self._db.transaction() as tx:
                await campaigns.add_weights(
                    tx, campaign_id, weights=weights, trained_on=1, metrics={}, now=NOW
                )
            self.start(self._refresh, campaign_id)

    async def go_on(self, rounds: int) -> None:
        """Make all kinds of changes at once."""
        kinds = (self.crawl, self.write, self.erase, self.edit, self.pause, self.learn)
        await asyncio.gather(*(kind(rounds) for kind in kinds))

    async def rest(self) -> None:
        """Wait for every job; one that failed fails here."""
        await asyncio.gather(*self._jobs)

    def start(self, job: Callable[[Any], Coroutine[Any, Any, None]], of: Any) -> None:
        """Begin a job that runs again until it has succeeded, as the queue sees to."""
        self._jobs.append(asyncio.create_task(self._repeat(job, of)))

    async def _repeat(self, job: Callable[[Any], Coroutine[Any, Any, None]], of: Any) -> None:
        async with asyncio.timeout(120):
            while True:
                try:
                    return await job(of)
                except Transient:
                    self.failures += 1

    async def _maintain(self, changes: dict[int, int]) -> None:
        async with aclosing(self._crowds.pages(self._jobs_db)) as pages:
            async for crowd in pages:
                await asyncio.sleep(self._random.random() / 20)  # time for others to overtake
                await work.maintain(self._jobs_db, crowd, [*changes], now=NOW, changes=changes)

    async def _refresh(self, campaign_id: int) -> None:
        target = target_of(await campaigns.get(self._jobs_db, campaign_id))
        await asyncio.sleep(self._random.random() / 20)
        await work.refresh(self._jobs_db, target, now=NOW, report=ignore)


def ignore(progress: Progress) -> None:
    """Take no notice."""
