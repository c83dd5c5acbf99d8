"""Whom a suppression keeps messages from: a person, a domain, a platform, everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from omni.base.errors import NotFound, Rejected
from omni.leads import suppressions_store as store
from omni.leads.types import Scope
from omni.storage.db import Database
from omni.storage.sql import Query, load_queries
from tests.dispatch_fixtures import NOW, rows

ERASING = load_queries("omni.leads", "erase").by_name
BLUESKY = ("bluesky", "did:plc:a", "alice.shop.example.org")
FEDIVERSE = ("mastodon", "https://social.example.org:3000/users/ann", "ann@social.example.org")
ROOM = ("matrix", "@ann:chat.example.org:8448", "@ann:chat.example.org")
WEB = ("web", "https://me@Example.ORG./about", "Ann")
FOREIGN = ("forum", "did:web:example.org", "Ann")
PEOPLE = (BLUESKY, FEDIVERSE, ROOM, WEB, FOREIGN)
STRANGERS = (
    ("bluesky", "did:plc:b", "example.org.evil.example"),
    ("mastodon", "https://notexample.org/users/ann", "ann@notexample.org"),
    ("synthetic", "syn:7", "example"),
    ("bluesky", "did:plc:c", "org"),
)


async def suppressed(db: Database, person: tuple[str, str, str]) -> bool:
    platform, platform_id, username = person
    return await store.is_suppressed(
        db, platform=platform, platform_id=platform_id, username=username
    )


async def add(
    db: Database, scope: Scope, platform: str | None = None, value: str | None = None
) -> tuple[tuple[str, str], bool]:
    return await store.suppress_scope(
        db, scope, platform=platform, value=value, reason="asked", source="person", now=NOW
    )


@pytest.mark.parametrize(
    "written", ["example.org", "@Example.org", "*.example.org", "https://example.org/x"]
)
async def test_a_domain_holds_for_everybody_below_it_and_nobody_beside(
    db: Database, written: str
) -> None:
    assert await add(db, "domain", value=written) == (("*", "example.org"), True)
    assert [await suppressed(db, person) for person in PEOPLE] == [True] * len(PEOPLE)
    assert [await suppressed(db, person) for person in STRANGERS] == [False] * len(STRANGERS)
    keys = [(platform, platform_id) for platform, platform_id, _ in (*PEOPLE, *STRANGERS)]
    names = [username for _, _, username in (*PEOPLE, *STRANGERS)]
    assert await store.suppressed_among(db, keys, names) == set(keys[: len(PEOPLE)])


async def test_a_platform_and_all_hold_messages_but_nobody_is_left_out_of_reading(
    db: Database,
) -> None:
    await add(db, "platform", "Bluesky")
    assert await suppressed(db, BLUESKY)
    assert not await suppressed(db, FEDIVERSE)
    await add(db, "all")
    assert await suppressed(db, FEDIVERSE)
    assert await store.suppressed_among(db, [BLUESKY[:2], FEDIVERSE[:2]]) == set()


async def test_a_person_is_found_by_id_and_by_username(db: Database) -> None:
    await add(db, "person", "mastodon", "@Ann@Social.example.org")
    await add(db, "person", "forum", "did:web:example.org")
    assert await suppressed(db, FEDIVERSE)
    assert await suppressed(db, (FEDIVERSE[0], FEDIVERSE[1], "Ann@Social.Example.org"))
    assert await suppressed(db, FOREIGN)
    assert await suppressed(db, ("forum", "DID:web:Example.org", "somebody"))
    assert not await suppressed(db, ("forum", "did:web:example.net", "somebody"))
    assert not await suppressed(db, BLUESKY)


@pytest.mark.parametrize(
    ("written", "person"),
    [
        ("Alice.Shop.Example.org", BLUESKY),
        ("Ann@Social.Example.Org", FEDIVERSE),
        ("HTTPS://Social.Example.org:3000/users/Ann", FEDIVERSE),
        ("@Ann:chat.Example.org:8448", ROOM),
        ("DID:PLC:A", BLUESKY),
        ("Jose\u0301", ("forum", "f:9", "José")),
    ],
)
async def test_a_person_is_found_however_somebody_types_them(
    db: Database, written: str, person: tuple[str, str, str]
) -> None:
    await add(db, "person", person[0], written)
    assert await suppressed(db, person)
    assert await store.suppressions_of(
        db, platform=person[0], platform_id=person[1], username=person[2]
    )


async def test_a_domain_is_known_in_both_spellings(db: Database) -> None:
    await add(db, "domain", value="münchen.example")
    assert await suppressed(db, ("mastodon", "https://xn--mnchen-3ya.example/users/a", "a"))
    assert await suppressed(db, ("bluesky", "did:plc:x", "a.münchen.example"))


@pytest.mark.parametrize(
    ("scope", "platform", "value", "field"),
    [
        ("domain", None, "org", "domain"),
        ("domain", None, "*", "domain"),
        ("domain", None, "exa mple.org", "domain"),
        ("person", "bluesky", "*", "platform_id"),
        ("person", "bluesky", " ", "platform_id"),
        ("person", "bluesky", "a\x00b", "platform_id"),
        ("person", "*", "did:plc:a", "platform"),
        ("platform", "*", None, "platform"),
        ("platform", None, None, "platform"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_suppresses_nobody(
    db: Database, scope: Scope, platform: str | None, value: str | None, field: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await add(db, scope, platform, value)
    assert refused.value.field == field
    assert await store.list_suppressions(db, limit=10) == []


async def test_hostile_names_are_looked_up_like_any_other(db: Database) -> None:
    await add(db, "domain", value="example.org")
    for name in ("", ".", "..", "@", "a" * 5_000, ".".join("a" * 300), "'; drop table x; --", "%"):
        assert not await suppressed(db, ("x", name or "-", name))


async def test_the_wide_are_listed_apart_and_only_an_express_word_lifts_one(db: Database) -> None:
    await add(db, "person", "bluesky", "did:plc:a")
    await add(db, "domain", value="example.org")
    await add(db, "all")
    every = await store.list_suppressions(db, limit=10)
    assert [each.scope for each in every] == ["all", "domain", "person"]
    wide = await store.list_suppressions(db, limit=10, wide=True)
    assert [each.scope for each in wide] == ["all", "domain"]
    platform, platform_id, username = BLUESKY
    about = {"platform": platform, "platform_id": platform_id, "username": username}
    assert {s.scope for s in await store.suppressions_of(db, **about)} == {
        "person",
        "domain",
        "all",
    }
    later = NOW + timedelta(days=1)
    for each in every:
        async with db.transaction() as tx:
            await store.lift(tx, each.id, because="they wrote again", now=later)
    assert not await suppressed(db, BLUESKY)
    lifted = await store.list_lifts(db, limit=10)
    assert [(each.platform, each.platform_id) for each in lifted] == [
        ("bluesky", "did:plc:a"), ("*", "example.org"), ("*", "*"),
    ]  # fmt: skip
    assert {(each.lifted_because, each.lifted_at, each.suppressed_at) for each in lifted} == {
        ("they wrote again", later, NOW)
    }
    with pytest.raises(NotFound):
        await store.lift(db, every[0].id, because="again", now=later)


async def test_among_a_hundred_thousand_a_person_is_a_few_probes(db: Database) -> None:
    await rows(
        db,
        "insert into suppressions (platform, platform_id, reason, source)"
        " select 'bluesky', 'did:plc:' || n, 'r', 's' from generate_series(1, 100000) n",
    )
    await rows(db, "analyze suppressions")
    plan = await db.fetchval(
        Query(
            "plan",
            "explain (analyze, buffers, format json) "
            " select is_suppressed('bluesky', 'did:plc:x', n)"
            " from unnest(array['a.b.example.org', 'b.c.example.org', 'c.example']) n",
        )
    )
    whole = plan[0]["Plan"]
    assert whole["Shared Hit Blocks"] + whole["Shared Read Blocks"] < 150


@pytest.mark.parametrize("written", ["MÜNCHEN.example", "xn--mnchen-3ya.example"])
async def test_an_international_domain_is_one_entry_whatever_its_form(
    db: Database, written: str
) -> None:
    people = [
        ("mastodon", "https://münchen.example/@ann", "ann@xn--mnchen-3ya.example"),
        ("mastodon", "https://xn--mnchen-3ya.example/@bob", "bob"),
        ("bluesky", "did:plc:x", "cat.münchen.example"),
    ]
    assert await add(db, "domain", value=written) == (("*", "xn--mnchen-3ya.example"), True)
    for again in ("münchen.example", "xn--mnchen-3ya.example", "https://MÜNCHEN.example/"):
        assert (await add(db, "domain", value=again))[1] is False
    assert [await suppressed(db, person) for person in people] == [True] * 3
    (only,) = await store.list_suppressions(db, limit=9)
    assert await store.list_suppressions(db, limit=9, wide=True) == [only]
    (by_its_name,) = await store.search_suppressions(db, "münch", limit=9)
    await store.lift(db, by_its_name.id, because="a mistake", now=NOW)
    assert [await suppressed(db, person) for person in people] == [False] * 3
    assert await rows(db, "select from suppressions") == []


async def test_german_and_greek_letters_are_domains_of_their_own(db: Database) -> None:
    assert (await add(db, "domain", value="faß.example"))[0] == ("*", "xn--fa-hia.example")
    assert not await suppressed(db, ("mastodon", "https://fass.example/@ann", "ann"))


async def test_a_link_suppresses_the_person_by_every_name_as_one_entry(db: Database) -> None:
    await add(db, "person", None, "https://Social.Example.org:3000/@Ann")
    assert await suppressed(db, FEDIVERSE)
    assert await suppressed(db, ("mastodon", FEDIVERSE[1], "renamed"))
    assert await suppressed(db, ("mastodon", "https://x.example/7", "ann@social.example.org"))
    assert not await suppressed(db, ("mastodon", "https://x.example/7", "bob@social.example.org"))
    (only,) = await store.list_suppressions(db, limit=9)
    assert only.platform_id == "Ann@Social.Example.org"
    assert len(await store.search_suppressions(db, "ann", limit=9)) == 1
    await store.lift(db, only.id, because="a mistake", now=NOW)
    assert not await suppressed(db, FEDIVERSE)


async def test_an_erasure_leaves_no_spelling_behind(db: Database) -> None:
    await add(db, "person", None, "https://Social.Example.org:3000/@Ann")
    await add(db, "person", "mastodon", "bob@social.example.org")
    known: dict[str, Any] = {
        "platform": "mastodon",
        "names": ["https://social.example.org:3000/users/ann"],
    }
    held = await db.fetch(ERASING["held_suppressions"], **known, limit=99)
    assert len(held) == 6
    assert await db.execute(ERASING["erase_suppressions"], **known) == len(held)
    left = await rows(db, "select platform_id from suppressions")
    assert left
    assert all("bob" in row["platform_id"] for row in left)
