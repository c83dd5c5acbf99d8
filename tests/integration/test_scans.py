"""No full table scans: each step reads what its own work needs, however large the tables are.

Every step runs on two databases, one ten times the size of the other, with the same work to do.
It must not begin a sequential scan of a large table, must stay within so many blocks and rows a
unit of its work, and must read about as much from the large tables as from the small ones.

One step's work is a table: a refresh reads `profile_features` once, by ranges of its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from omni.api import lead_files_store as lead_files
from omni.api.funnel import read_status
from omni.base.clock import utc_now
from omni.base.ids import new_id
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.candidates import work as candidates
from omni.connectors.types import RawProfile
from omni.jobs.types import Progress
from omni.leads import store as leads
from omni.leads import work as promoting
from omni.llm.pool import Pool
from omni.llm.rules import RulesJudge
from omni.predicate.plan import compile_criteria
from omni.profiles import refresh_work
from omni.profiles import work as profiles
from omni.profiles.types import StoredBatch
from omni.qualification import work as qualification
from omni.qualification.plan import PROMPT_VERSION
from omni.storage.db import Database
from tests.candidates_fixtures import NOW, change_profiles, crowd_of, target_of
from tests.scans import Measured, measured
from tests.scans_seed import CHOSEN, LARGE, OTHERS, seed

SMALL_SIZE, LARGE_SIZE = 20_000, 200_000
CHANGED = range(20, 20_001, 20)
"""1,000 profiles, as far from each other in both databases."""

JUDGED = 50
FOUND = 200
STALE = 500
BATCH = 25


@dataclass(frozen=True, slots=True)
class Seeded:
    """A database with large tables."""

    url: str
    profiles: int
    model: str = "rules-1"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the product.

    Attributes:
        name: What the seeds call it.
        run: Does its work for the campaign with `CHOSEN` candidates.
        units: How much work that is.
        blocks: The most blocks a unit, of all tables together.
        rows: The most rows a unit that indexes lead to, in all tables together.
        prepare: Makes work for it; not measured.
    """

    name: str
    run: Callable[[Database, Campaign], Awaitable[object]]
    units: int
    blocks: float
    rows: float
    prepare: Callable[[Database], Awaitable[object]] | None = None


def people(numbers: range, bio: str) -> list[RawProfile]:
    return [
        RawProfile("seeded", f"did:new:{n}", f"new{n}.example", display_name="New", bio=bio)
        for n in numbers
    ]


async def write(db: Database, campaign: Campaign, found: list[RawProfile]) -> StoredBatch:
    async with db.transaction() as tx:
        return await profiles.store_batch(
            tx, found, now=utc_now(), campaign_id=campaign.id, job_id=new_id()
        )


async def find_some_before(db: Database) -> None:
    campaign, *_ = await campaigns.list_all(db, limit=1)
    await write(db, campaign, people(range(FOUND // 2), "I build things"))


async def discover(db: Database, campaign: Campaign) -> object:
    """Half are new; of the others half have changed."""
    quarter = FOUND // 4
    found = [
        *people(range(quarter), "I build things"),
        *people(range(quarter, 2 * quarter), "I build solar energy things"),
        *people(range(2 * quarter, FOUND), "I build solar energy things"),
    ]
    stored = await write(db, campaign, found)
    assert (len(stored.new), len(stored.changed), stored.unchanged) == (100, 50, 50)
    return stored


async def find_stale(db: Database, campaign: Campaign) -> object:
    due = await refresh_work.choose(db, "seeded", now=utc_now(), limit=STALE)
    assert len(due) == STALE
    for start in range(0, STALE, BATCH):
        part = await refresh_work.claim(db, due[start : start + BATCH], now=utc_now())
        await refresh_work.record(db, part, {p.profile_id: 1.0 for p in part}, now=utc_now())
    return due


async def maintain(db: Database, campaign: Campaign) -> object:
    active = await campaigns.active(db, limit=100)
    report = await candidates.maintain(db, await crowd_of(db, *active), CHANGED, now=NOW)
    assert len(active) == OTHERS + 1
    assert report.rescored + report.left > len(CHANGED) / 2
    return report


async def make_changes(db: Database) -> None:
    await change_profiles(db, CHANGED, by=3)


async def qualify(db: Database, campaign: Campaign) -> object:
    report = await qualification.qualify(
        db,
        [Pool(RulesJudge())],
        campaign,
        compile_criteria(campaign.criteria).english,
        limit=JUDGED,
        clock=utc_now,
        report=ignore,
    )
    assert report.verdicts == JUDGED
    return report


async def promote(db: Database, campaign: Campaign) -> object:
    return await promoting.promote(
        db, campaign, models=[RulesJudge().model], prompt_version=PROMPT_VERSION, now=NOW
    )


async def first_page(db: Database, campaign: Campaign) -> object:
    return await leads.page_json(db, campaign.id, state=None, after=None, limit=50)


async def deep_page(db: Database, campaign: Campaign) -> object:
    page = await leads.page_json(db, campaign.id, state=None, after=(0.8, 1), limit=50)
    assert page.items.count(b'"campaign_id"') == 50
    return page


async def lead_file(db: Database, campaign: Campaign) -> object:
    ids = await lead_files.rank_leads(db, campaign.id, state=None)
    pages = [len(page) async for page in lead_files.pages_of_leads(db, ids)]
    assert sum(pages) == len(ids) > 300
    return pages


async def status(db: Database, campaign: Campaign) -> object:
    shown = await read_status(db, campaign.id)
    assert CHOSEN * 0.9 < shown.funnel.candidates <= CHOSEN
    assert shown.funnel.judged > 0
    return shown


STEPS = (
    Step("discover", discover, FOUND, 50, 5, find_some_before),
    Step("crawl.refresh", find_stale, STALE, 60, 8),
    Step("maintain", maintain, len(CHANGED) * (OTHERS + 1), 4, 2, make_changes),
    Step("qualify", qualify, JUDGED, 260, 45),
    Step("promote", promote, 700, 14, 6),
    Step("leads", first_page, 50, 3, 2),
    Step("leads, deep", deep_page, 50, 3, 2),
    Step("leads, file", lead_file, 400, 40, 8),
    Step("status", status, CHOSEN, 5, 3),
)


@pytest.fixture(scope="module")
def databases(postgres_url: str, template_database: str) -> Iterator[tuple[Seeded, Seeded]]:
    """A small and a large database, with one campaign that is the same in both."""
    small, large = (
        Seeded(url_of(postgres_url, "scans_small"), SMALL_SIZE),
        Seeded(url_of(postgres_url, "scans_large"), LARGE_SIZE),
    )
    for seeded in (small, large):
        asyncio.run(create(postgres_url, template_database, seeded))
    yield small, large
    for seeded in (small, large):
        asyncio.run(administer(postgres_url, f"drop database {name_of(seeded)} with (force)"))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
async def test_a_step_reads_what_its_work_needs(
    databases: tuple[Seeded, Seeded], step: Step
) -> None:
    small, large = [await measure(seeded, step) for seeded in databases]
    told = f"\nsmall: {small}\nlarge: {large}"
    assert not {*LARGE} & {*large.scanned}, told
    for reading in (small, large):
        assert reading.blocks <= step.units * step.blocks, told
        assert reading.fetched <= step.units * step.rows, told
    # A tree of ten times the entries has up to one level more.
    assert large.blocks <= 1.6 * small.blocks + 100, told
    # A small table may be read in whole where a large one is probed: its rows count all the same.
    read = small.fetched + sum(small.scanned.values())
    assert large.fetched <= 1.1 * read + 100, told


async def test_a_refresh_reads_the_features_once_by_ranges_of_their_key(
    databases: tuple[Seeded, Seeded],
) -> None:
    """Whoever entered, or changed, or left: this is the whole work of new criteria."""

    async def refresh(db: Database, campaign: Campaign) -> object:
        return await candidates.refresh(db, target_of(campaign), now=NOW, report=ignore)

    for seeded in databases:
        _, reading = await run(seeded, refresh)
        features, pairs = reading["profile_features"], reading["campaign_candidates"]
        assert not {*LARGE} & {*reading.scanned}, str(reading)
        assert seeded.profiles <= features.fetched <= 2 * seeded.profiles, str(reading)
        assert features.blocks <= 0.4 * seeded.profiles, str(reading)
        assert pairs.fetched <= 3 * CHOSEN, str(reading)


async def measure(seeded: Seeded, step: Step) -> Measured:
    if step.prepare:
        db = await Database.connect(seeded.url, size=1)
        await step.prepare(db)
        await db.close()
    return (await run(seeded, step.run))[1]


async def run(
    seeded: Seeded, work: Callable[[Database, Campaign], Awaitable[object]]
) -> tuple[object, Measured]:
    async def step(db: Database) -> object:
        campaign, *_ = await campaigns.list_all(db, limit=1)
        return await work(db, campaign)

    return await measured(seeded.url, step)


async def create(postgres_url: str, template: str, seeded: Seeded) -> None:
    await administer(postgres_url, f"create database {name_of(seeded)} template {template}")
    db = await Database.connect(seeded.url, size=1)
    await seed(db, seeded.profiles, model=seeded.model, prompt_version=PROMPT_VERSION)
    await db.close()


async def administer(postgres_url: str, statement: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(statement)
    await connection.close()


def url_of(postgres_url: str, database: str) -> str:
    head, _, query = postgres_url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")


def name_of(seeded: Seeded) -> str:
    return seeded.url.partition("?")[0].rsplit("/", 1)[1]


def ignore(progress: Progress) -> None:
    """Take no notice."""
