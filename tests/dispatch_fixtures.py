"""Campaigns, leads, accounts and platforms for the tests of dispatch, feedback and weights."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet

from omni.base.errors import OmniError
from omni.base.vault import Vault
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt
from omni.dispatch import accounts_store, store
from omni.dispatch.drafting_work import draft
from omni.dispatch.types import Account, DispatchReport, Pacing
from omni.dispatch.work import dispatch
from omni.jobs.types import Progress
from omni.predicate.plan import compile_criteria
from omni.storage.db import Database, Executor, Fragments, Row, Tx
from omni.storage.sql import Query

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEMPLATE = "Hi {{ name }}, you wrote “{{ reason }}”."
VAULT = Vault(Fernet.generate_key().decode())

_ADD_LEADS = Query(
    "add_leads",
    """
    with people as (select n, :prefix || n as person from generate_series(:first::int, :last) n),
    known as (
        insert into profiles_raw (platform, platform_id, username, payload, content_hash)
        select :platform, person, 'user-' || person, '{}', 'h' from people
        on conflict (platform, platform_id) do update set username = excluded.username
        returning profile_id, platform_id
    ),
    features as (
        insert into profile_features (profile_id, platform, username, accepts_messages, signals,
            search, view, view_hash, version_hash)
        select profile_id, :platform, 'user-' || platform_id, true, array_fill(0.5::float8, '{8}'),
            ''::tsvector, '{}', 'v', 'h' from known
        on conflict (profile_id) do nothing
    ),
    scores as (
        insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash,
            model, prompt_version, outcome, qualified, score, raw, latency_ms)
        select :campaign_id, profile_id, platform_id, 'v', 'c', 'm', '1', 'verdict', true, 0.9,
            '', 1 from known
        returning id, profile_id
    )
    insert into leads (campaign_id, profile_id, platform, platform_id, username, display_name,
        score_id, score, reasons)
    select :campaign_id, k.profile_id, :platform, k.platform_id, 'user-' || k.platform_id,
        initcap(k.platform_id), s.id, 1 - p.n / 100000.0,
        '[{"criterion": "bio", "evidence": "I climb"}]'
    from known k join scores s using (profile_id) join people p on p.person = k.platform_id
    returning id
    """,
)


class MovingClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class CountingSender:
    """A platform in memory that remembers every call; `answer` may raise instead of taking it."""

    clock: Callable[[], datetime]
    platform: str = "synthetic"
    calls: list[tuple[datetime, str, Outgoing]] = field(default_factory=list[Any])
    answer: Callable[[Outgoing], Awaitable[None] | None] | None = None
    refusals: dict[str, str] = field(default_factory=dict[str, str])
    thread: dict[str, Receipt] = field(default_factory=dict[str, Receipt])

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        self.calls.append((self.clock(), sender.handle, message))
        if self.answer is not None and (waiting := self.answer(message)) is not None:
            await waiting
        return Receipt(f"m{len(self.calls)}", self.clock())

    async def verify(self, sender: Credentials) -> Identity:
        return Identity(f"id of {sender.handle}", sender.handle)

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        return self.refusals.get(platform_id)

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        return self.thread.get(message.platform_id)

    @property
    def people(self) -> list[str]:
        return [message.platform_id for _, _, message in self.calls]


class WatchedDatabase(Database):
    """A database that calls `hook("before NAME")` and `hook("after NAME")` around each query."""

    hook: Callable[[str], Awaitable[None]] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        async with super().transaction() as tx:
            yield _WatchedTx(tx, self)

    async def execute(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> int:
        await self.call(f"before {query.name}")
        done = await super().execute(query, fragments, **params)
        await self.call(f"after {query.name}")
        return done

    async def call(self, moment: str) -> None:
        if self.hook is not None:
            await self.hook(moment)


@asynccontextmanager
async def watched(
    database_url: str, hook: Callable[[str], Awaitable[None]]
) -> AsyncGenerator[Database]:
    """Open a second pool whose queries are told to `hook`."""
    database = await WatchedDatabase.connect(database_url, size=4)
    assert isinstance(database, WatchedDatabase)
    database.hook = hook
    try:
        yield database
    finally:
        await database.close()


class _WatchedTx(Tx):
    def __init__(self, inner: Tx, watcher: WatchedDatabase) -> None:
        self._inner, self._watcher = inner, watcher

    async def fetch(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Sequence[Row]:
        return await self._inner.fetch(query, fragments, **params)

    async def fetchrow(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Row | None:
        await self._watcher.call(f"before {query.name}")
        row = await self._inner.fetchrow(query, fragments, **params)
        await self._watcher.call(f"after {query.name}")
        return row

    async def fetchval(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> Any:
        return await self._inner.fetchval(query, fragments, **params)

    async def execute(
        self, query: Query, fragments: Fragments | None = None, **params: object
    ) -> int:
        await self._watcher.call(f"before {query.name}")
        return await self._inner.execute(query, fragments, **params)


async def add_campaign(
    db: Executor, *, template: str = TEMPLATE, name: str = "Climbers"
) -> Campaign:
    """Write an active campaign."""
    return await campaigns.create(
        db,
        name=name,
        brief="",
        compiled=compile_criteria({"all": [{"field": "followers", "op": ">=", "value": 1}]}),
        threshold=0.5,
        shortlist_size=10,
        message_template=template,
        now=NOW,
    )


async def add_leads(
    db: Executor,
    campaign: Campaign,
    count: int,
    *,
    first: int = 1,
    platform: str = "synthetic",
    prefix: str = "p",
) -> list[int]:
    """Write leads `p1`, `p2`, …, best first; a person may be a lead of several campaigns."""
    rows = await db.fetch(
        _ADD_LEADS,
        campaign_id=campaign.id,
        platform=platform,
        prefix=prefix,
        first=first,
        last=first + count - 1,
    )
    return sorted(row["id"] for row in rows)


async def add_account(
    db: Executor,
    *,
    handle: str = "me",
    platform: str = "synthetic",
    hourly: int = 10,
    daily: int = 50,
    secret: bytes | None = b"token",
    vault: Vault = VAULT,
    **pacing: Any,
) -> Account:
    """Write an account whose secret is encrypted."""
    return await accounts_store.create_account(
        db,
        platform=platform,
        handle=handle,
        secret=None if secret is None else vault.encrypt(secret),
        pacing=Pacing(hourly_limit=hourly, daily_limit=daily, **pacing),
        now=NOW,
    )


async def approve_all(
    db: Database, campaign: Campaign, now: datetime = NOW, *, but: tuple[type[OmniError], ...] = ()
) -> int:
    """Approve every pending message of a campaign, as a person who read each would.

    Args:
        but: Refusals that leave a message as it is, such as that the person is suppressed.
    """
    pending = await store.list_messages(db, campaign_id=campaign.id, state="pending", limit=10_000)
    for message in reversed(pending):
        with suppress(*but):
            await store.approve(db, message.id, body_hash=message.body_hash, now=now)
    return len(pending)


async def ready(
    db: Database, count: int, *, first: int = 1, platform: str = "synthetic", name: str = "Climbers"
) -> Campaign:
    """Write a campaign with `count` approved messages."""
    campaign = await add_campaign(db, name=name)
    await add_leads(db, campaign, count, first=first, platform=platform)
    await draft(db, campaign, now=NOW)
    await approve_all(db, campaign)
    return campaign


def run(
    db: Database, sender: CountingSender, clock: Callable[[], datetime], *, vault: Vault = VAULT
) -> Awaitable[DispatchReport]:
    """Run dispatch once."""

    def report(progress: Progress) -> None:
        assert progress.done > 0

    return dispatch(db, {sender.platform: sender}, vault, clock=clock, report=report)


async def rows(db: Executor, sql: str, **params: object) -> list[dict[str, Any]]:
    """Run a test's own statement."""
    return [dict(row) for row in await db.fetch(Query("test", sql), None, **params)]


async def live_in(
    db: Executor, countries: Mapping[str, str | None], *, city: str | None = None
) -> None:
    """Let people say in which country they are, by their ids; None: they do not say."""
    await rows(
        db,
        "update profile_features f set country = w.country, place = :city from profiles_raw r"
        " join unnest(:people::text[], :countries::text[]) w (person, country)"
        " on w.person = r.platform_id where r.profile_id = f.profile_id returning 1",
        people=list(countries),
        countries=list(countries.values()),
        city=city,
    )


async def states(db: Executor) -> dict[str, int]:
    """Return how many messages are in each state."""
    found = await rows(db, "select state, count(*) as n from messages group by state")
    return {row["state"]: row["n"] for row in found}


def most_in_any(window: timedelta, moments: Sequence[datetime]) -> int:
    """Return the most moments in any window (t - window, t]."""
    return max(
        (sum(end - window < moment <= end for moment in moments) for end in moments), default=0
    )
