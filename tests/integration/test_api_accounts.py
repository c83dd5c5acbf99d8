"""Accounts over HTTP: verified on entry, limits, pauses, and why nothing is sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from omni.api.app import create_api
from omni.base.errors import Transient, Unauthorized
from omni.cli.main import app
from omni.client.client import ApiProblem, OmniClient
from omni.connectors.types import Credentials, Identity
from omni.dispatch import accounts_store
from omni.dispatch.types import PausedBy
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import deps, serving
from tests.dispatch_fixtures import CountingSender, MovingClock, ready, rows, run

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _query(sql: str) -> Query:
    return Query("test", sql)


class Platform(CountingSender):
    """Knows two people by their tokens, and may be away."""

    away = False

    async def verify(self, sender: Credentials) -> Identity:
        """Say who holds this token."""
        if self.away:
            raise Transient("502")
        known = {
            "one": "did:1", "one again": "did:1", "two": "did:2", "three": "did:3", "four": "did:4",
        }  # fmt: skip
        if sender.secret not in known:
            raise Unauthorized("no such token")
        return Identity(known[sender.secret], sender.handle)


@pytest.fixture
async def world(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[OmniClient, Platform, MovingClock]]:
    clock = MovingClock(NOW)
    platform = Platform(clock)
    here = replace(deps(db, clock=clock), verifiers={"synthetic": platform})
    async with serving(create_api(here)) as url, OmniClient(url) as client:
        monkeypatch.setenv("OMNI_API_PORT", url.rpartition(":")[2])
        yield client, platform, clock


World = tuple[OmniClient, Platform, MovingClock]


async def test_an_account_is_verified_before_it_is_kept(db: Database, world: World) -> None:
    client, platform, _ = world
    with pytest.raises(ApiProblem) as wrong:
        await client.create_account(platform="synthetic", handle="me", secret="wrong")
    assert (wrong.value.status, wrong.value.field) == (422, "secret")
    platform.away = True
    with pytest.raises(ApiProblem) as away:
        await client.create_account(platform="synthetic", handle="me", secret="one")
    assert away.value.status == 503
    assert await client.list_accounts() == []
    platform.away = False
    account = await client.create_account(platform="synthetic", handle="me", secret="one")
    assert (account.platform_id, account.verified_at) == ("did:1", NOW)
    with pytest.raises(ApiProblem) as twice:
        await client.create_account(platform="synthetic", handle="other name", secret="one")
    assert twice.value.status == 409, "one identity under two names would have twice the limits"
    assert platform.calls == []


async def test_limits_are_set_shown_and_checked(db: Database, world: World) -> None:
    client, _, clock = world
    account = await client.create_account(
        platform="synthetic", handle="me", secret="one", zone="Asia/Tokyo", quiet_from="20:00",
        quiet_to="08:30", quiet_days=[7, 6], gap_s=60, warmup_from=NOW, warmup_first=3,
    )  # fmt: skip
    assert (account.quiet_from, account.quiet_to, account.quiet_days) == ("20:00", "08:30", [6, 7])
    assert account.weekly_limit == 350
    changed = await client.update_account(account.id, daily_limit=60, warmup_from=None)
    assert (changed.daily_limit, changed.weekly_limit, changed.gap_s) == (60, 420, 60)
    assert changed.warmup_from is None
    for field, value in (("zone", "Mars"), ("hourly_limit", 61), ("quiet_from", "24:00")):
        with pytest.raises(ApiProblem) as wrong:
            await client.update_account(account.id, **{field: value})  # type: ignore[misc]
        assert wrong.value.status == 422
    now = await client.account(account.id)
    assert (now.gate, now.next_at) == ("quiet hours", datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    clock.advance(timedelta(hours=12))
    assert (await client.account(account.id)).gate is None


async def test_a_new_account_begins_with_a_part_of_its_limit_unless_told_otherwise(
    db: Database, world: World
) -> None:
    client, platform, clock = world
    small = await client.create_account(
        platform="synthetic", handle="me", secret="one", hourly_limit=20, daily_limit=20
    )
    assert (small.warmup_from, small.warmup_first, small.warmup_days) == (NOW, 2, 14)
    assert (await client.account(small.id)).daily_cap == 2
    await ready(db, 30)
    await db.execute(_query("update accounts set credentials = null"))
    sent: list[int] = []
    for _ in range(16):
        sent.append((await run(db, platform, clock)).sent)
        clock.advance(timedelta(days=1))
    # A little more each day, never hurried, to all of it.
    assert sent[:7] == [2, 3, 4, 5, 7, 8, 1]
    assert (await client.account(small.id)).daily_cap == 20
    tiny = await client.create_account(
        platform="synthetic", handle="tiny", secret="two", hourly_limit=3, daily_limit=3
    )
    assert tiny.warmup_first == 1
    cold = await client.create_account(
        platform="synthetic", handle="cold", secret="three", warmup_from=None
    )
    assert (cold.warmup_from, (await client.account(cold.id)).daily_cap) == (None, 50)
    own = await client.create_account(
        platform="synthetic", handle="own", secret="four", warmup_first=9, warmup_days=3
    )
    assert (own.warmup_from, own.warmup_first, own.warmup_days) == (clock(), 9, 3)


async def test_a_new_secret_lets_a_refused_account_send_on_but_not_a_harmful_one(
    db: Database, world: World
) -> None:
    client, _, _ = world
    account = await client.create_account(platform="synthetic", handle="me", secret="one")
    with pytest.raises(ApiProblem) as other:
        await client.renew_secret(account.id, "two")
    assert other.value.status == 409, "these are somebody else's credentials"
    pausers: list[tuple[PausedBy, str]] = [
        ("credentials", "active"), ("harm", "paused"), ("person", "paused"),
    ]  # fmt: skip
    for by, status in pausers:
        await accounts_store.resume_account(db, account.id, now=NOW)
        await accounts_store.pause_account(db, account.id, reason="r", by=by, now=NOW)
        assert (await client.renew_secret(account.id, "one again")).status == status
    assert (await client.resume_account(account.id)).status == "active"


async def test_every_message_that_waits_names_its_gate_and_its_moment(
    db: Database, world: World
) -> None:
    client, platform, clock = world
    account = await client.create_account(
        platform="synthetic",
        handle="me",
        secret="one",
        hourly_limit=2,
        daily_limit=9,
        warmup_from=None,
    )
    await client.pause_account(account.id, reason="wait")
    campaign = await ready(db, 5)

    async def gates() -> dict[str, tuple[int, datetime | None]]:
        found = await client.held(campaign.id)
        assert all(each.help for each in found.items)
        each_one = Counter(
            (message.held_by, message.next_eligible)
            for message in (await client.messages(campaign.id)).items
            if message.state in ("pending", "approved")
        )
        counted = Counter({(h.gate, h.next_eligible): h.messages for h in found.items})
        assert each_one == counted, "a message by itself says the same"
        return {each.gate: (each.messages, each.next_eligible) for each in found.items}

    assert await gates() == {"account paused": (5, None)}
    await client.resume_account(account.id)
    assert await gates() == {"next run": (5, NOW)}
    platform.refusals = {"p1": "takes no messages"}
    await db.execute(_query("update accounts set credentials = null"))
    await run(db, platform, clock)
    assert await gates() == {
        "recipient": (1, NOW + timedelta(days=1)),
        "hourly limit": (2, NOW + timedelta(hours=1)),
    }
    assert (await client.held(campaign.id)).finish == NOW + timedelta(hours=2)
    await db.execute(_query("update messages set state = 'pending' where platform_id = 'p4'"))
    await db.execute(_query("update campaigns set status = 'paused'"))
    assert await gates() == {"approval": (1, None), "campaign not active": (2, None)}
    with pytest.raises(ApiProblem) as missing:
        await client.held(999)
    assert missing.value.status == 404
    assert len(await rows(db, "select id from messages where state = 'sent'")) == 2


async def test_a_terminal_says_the_same(db: Database, world: World) -> None:
    client, _, _ = world
    account = await client.create_account(platform="synthetic", handle="me", secret="one")
    campaign = await ready(db, 3)

    def said(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        return result.output

    paused = await asyncio.to_thread(said, "accounts", str(account.id), "--pause", "on holiday")
    assert "Paused by person: on holiday" in paused
    assert "Waits: account paused. Resume" in paused
    both = ["accounts", str(account.id), "--pause", "no", "--resume"]
    assert (await asyncio.to_thread(CliRunner().invoke, app, both)).exit_code == 2
    assert "account paused" in await asyncio.to_thread(said, "held", str(campaign.id))
    assert "on holiday" in await asyncio.to_thread(said, "accounts")
    resumed = await asyncio.to_thread(said, "accounts", str(account.id), "--resume")
    assert "me on synthetic: active" in resumed
    assert "5 a day at first, 50 after 14 days" in resumed
    cold = await asyncio.to_thread(said, "accounts", str(account.id), "--warm-up", "off")
    assert "No warm-up." in cold
    assert (await client.account(account.id)).account.warmup_from is None
    warm = await asyncio.to_thread(said, "accounts", str(account.id), "--warm-up", "on")
    assert "Warm-up since" in warm


async def test_a_second_account_of_one_identity_is_told_which_one_has_it(
    world: tuple[OmniClient, Platform, MovingClock],
) -> None:
    client, _, _ = world
    await client.create_account(platform="synthetic", handle="first", secret="one")
    for handle, told in (("second", "'first'"), ("first", "there is an account 'first'")):
        with pytest.raises(ApiProblem, match=told) as refused:
            await client.create_account(platform="synthetic", handle=handle, secret="one again")
        assert refused.value.status == 409


@pytest.mark.parametrize("zone", ["localtime", "Factory", "posixrules", "europe/berlin"])
async def test_a_zone_that_each_machine_takes_for_another_is_refused(
    world: tuple[OmniClient, Platform, MovingClock], zone: str
) -> None:
    client, _, _ = world
    with pytest.raises(ApiProblem, match="IANA name"):
        await client.create_account(platform="synthetic", handle="a", secret="one", zone=zone)
