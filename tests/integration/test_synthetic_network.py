"""The synthetic network over HTTP: read, write, answer, fail, remember."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from omni.base.errors import Ambiguous, Rejected, Transient, Unauthorized
from omni.connectors.http import HttpClient
from omni.connectors.synthetic.inbox import SyntheticInbox
from omni.connectors.synthetic.sender import SyntheticSender
from omni.connectors.synthetic.source import SyntheticSource
from omni.connectors.types import Credentials, InboxEvent, Outgoing, Seed
from tests.synthetic_fixtures import break_network, edit_person, quick_client, running_network

ME = Credentials("omni")


@pytest.fixture
def url(tmp_path: Path) -> Generator[str]:
    with running_network(tmp_path / "network.sqlite") as base:
        yield base


@pytest.fixture
async def http() -> AsyncGenerator[HttpClient]:
    async with quick_client(timeout_s=1.0) as client:
        yield client


def seed(kind: str, value: str) -> Seed:
    return Seed("synthetic", kind, value)


async def everything(inbox: SyntheticInbox, owner: Credentials = ME) -> list[InboxEvent]:
    events: list[InboxEvent] = []
    cursor: str | None = None
    while True:
        page = await inbox.poll(owner, cursor)
        events += page.events
        cursor = page.cursor
        if not page.more:
            return events


def calls_for(url: str, person: str) -> list[int]:
    answer = httpx.get(f"{url}/messages", headers={"Authorization": "Bearer omni"})
    return [m["calls"] for m in answer.json()["messages"] if m["to"] == person]


async def open_people(source: SyntheticSource, count: int) -> list[str]:
    profiles = await source.fetch([f"syn:{n}" for n in range(source.batch_size)])
    return [p.platform_id for p in profiles if p.accepts_messages][:count]


async def test_every_seed_type_leads_to_people(url: str, http: HttpClient) -> None:
    source = SyntheticSource(http, url)
    (person,) = await source.fetch(["syn:3"])
    for name in ("syn:3", person.username):
        assert (await source.expand(seed("actor", name), None)).platform_ids == ("syn:3",)
    for kind, value in (
        ("followers", "syn:3"),
        ("follows", person.username),
        ("search", "pottery"),
        ("hashtag", "#sourdough"),
    ):
        page = await source.expand(seed(kind, value), None)
        assert 0 < len(page.platform_ids) <= 50, kind
        found = await source.fetch(page.platform_ids)
        assert {p.platform_id for p in found} == set(page.platform_ids)


async def test_a_profile_has_all_that_people_see(url: str, http: HttpClient) -> None:
    profiles = await SyntheticSource(http, url).fetch([f"syn:{n}" for n in range(50)])
    rich = next(p for p in profiles if p.links and p.posts and p.image_urls and p.bio)
    assert rich.platform == "synthetic"
    assert all((rich.followers, rich.follows, rich.posts_count, rich.created_at))
    assert [p.created_at for p in rich.posts] == sorted(
        (p.created_at for p in rich.posts if p.created_at), reverse=True
    )
    picture = await http.get_bytes(rich.image_urls[0], accept="image/png")
    with Image.open(BytesIO(picture)) as image:
        assert image.size == (120, 120)


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        ("actor", "nobody.at.all", "seed_value"),
        ("actor", "a,syn:3", "seed_value"),
        ("followers", "../health?x=1#", "seed_value"),
        ("search", "   ", "seed_value"),
        ("search", "x" * 201, "seed_value"),
        ("wedding", "syn:3", "seed_type"),
    ],
)
async def test_a_wrong_seed_says_which_part_is_wrong(
    url: str, http: HttpClient, kind: str, value: str, field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        await SyntheticSource(http, url).expand(seed(kind, value), None)
    assert caught.value.field == field


async def test_unknown_people_are_left_out_and_edits_show(url: str, http: HttpClient) -> None:
    source = SyntheticSource(http, url)
    assert await source.fetch(["syn:999999", "nobody", "syn:x"]) == []
    edit_person(url, "syn:4", bio="Moved to Oslo.", username="bea")
    (changed,) = await source.fetch(["syn:4"])
    assert (changed.bio, changed.username) == ("Moved to Oslo.", "bea")
    assert (await source.expand(seed("actor", "bea"), None)).platform_ids == ("syn:4",)
    edit_person(url, "syn:4", gone=True)
    assert await source.fetch(["syn:4"]) == []


async def test_a_message_is_taken_once_for_each_key(url: str, http: HttpClient) -> None:
    sender = SyntheticSender(http, url)
    (person,) = await open_people(SyntheticSource(http, url), 1)
    first = await sender.send(ME, Outgoing(person, "Hello", "key-1"))
    again = await sender.send(ME, Outgoing(person, "Hello", "key-1"))
    assert first == again
    assert calls_for(url, person) == [2]
    with pytest.raises(Rejected):
        await sender.send(ME, Outgoing(person, "Something else", "key-1"))
    other = await sender.send(Credentials("rival"), Outgoing(person, "Hello", "key-1"))
    assert other.message_id != first.message_id


async def test_refusals_are_final(url: str, http: HttpClient) -> None:
    source, sender = SyntheticSource(http, url), SyntheticSender(http, url)
    profiles = await source.fetch([f"syn:{n}" for n in range(50)])
    closed = next(p for p in profiles if not p.accepts_messages)
    for to in (closed.platform_id, "syn:999999", profiles[0].username):
        with pytest.raises(Rejected):
            await sender.send(ME, Outgoing(to, "Hello", f"to-{to}"))
    letter = Outgoing(profiles[0].platform_id, "Hello", "key")
    with pytest.raises(Unauthorized):
        await sender.send(Credentials("no such token", "a b c"), letter)
    assert await everything(SyntheticInbox(http, url)) == []


async def test_some_people_answer_after_a_while(url: str, http: HttpClient) -> None:
    source, sender = SyntheticSource(http, url), SyntheticSender(http, url)
    inbox = SyntheticInbox(http, url)
    people = await open_people(source, 30)
    receipts = {
        (await sender.send(ME, Outgoing(person, "Hello", person))).message_id for person in people
    }
    delivered = [e for e in await everything(inbox) if e.kind == "delivered"]
    assert {e.in_reply_to for e in delivered} == receipts
    await asyncio.sleep(0.1)
    events = await everything(inbox)
    replies = [e for e in events if e.kind == "replied"]
    assert 10 < len(replies) < 30
    assert all(e.text and e.in_reply_to in receipts for e in replies)
    assert len({e.event_id for e in events}) == len(events)
    assert await everything(inbox) == events
    assert await everything(inbox, Credentials("rival")) == []


async def test_a_cursor_skips_nothing_and_repeats_nothing(url: str, http: HttpClient) -> None:
    sender, inbox = SyntheticSender(http, url), SyntheticInbox(http, url)
    people = await open_people(SyntheticSource(http, url), 20)
    seen: list[str] = []
    cursor: str | None = None
    for person in people:
        await sender.send(ME, Outgoing(person, "Hello", person))
        page = await inbox.poll(ME, cursor)
        cursor = page.cursor
        seen += [e.event_id for e in page.events]
    await asyncio.sleep(0.15)
    seen += [e.event_id for e in (await inbox.poll(ME, cursor)).events]
    assert seen == [e.event_id for e in await everything(inbox)]
    assert len(seen) > len(people)


async def test_a_restart_keeps_messages_and_edits(tmp_path: Path, http: HttpClient) -> None:
    state = tmp_path / "network.sqlite"
    with running_network(state) as url:
        (person,) = await open_people(SyntheticSource(http, url), 1)
        first = await SyntheticSender(http, url).send(ME, Outgoing(person, "Hello", "k"))
        edit_person(url, "syn:9", bio="New words.")
    with running_network(state) as url:
        again = await SyntheticSender(http, url).send(ME, Outgoing(person, "Hello", "k"))
        assert again == first
        (edited,) = await SyntheticSource(http, url).fetch(["syn:9"])
        assert edited.bio == "New words."
        assert await everything(SyntheticInbox(http, url))
    with running_network(state, seed=8) as url:
        assert await everything(SyntheticInbox(http, url)) == []


@pytest.mark.parametrize("mode", ["status", "garbage", "drop"])
async def test_reading_survives_passing_faults(url: str, http: HttpClient, mode: str) -> None:
    source = SyntheticSource(http, url)
    break_network(url, path="/people", mode=mode, times=2)
    assert len(await source.fetch(["syn:1", "syn:2"])) == 2
    break_network(url, path="/people", mode=mode, times=20)
    with pytest.raises(Transient):
        await source.fetch(["syn:1", "syn:2"])


async def test_json_of_another_shape_is_a_passing_fault(url: str, http: HttpClient) -> None:
    with pytest.raises(Transient, match="unexpected"):
        await SyntheticInbox(http, f"{url}/faults?").poll(ME, None)


async def test_sending_tells_taken_from_perhaps_and_surely_not(url: str, http: HttpClient) -> None:
    sender = SyntheticSender(http, url)
    a, b, c, d = await open_people(SyntheticSource(http, url), 4)
    break_network(url, path="/messages", mode="hang", seconds=3, late=True)
    with pytest.raises(Ambiguous):
        await sender.send(ME, Outgoing(a, "Hello", "a"))
    break_network(url, path="/messages", mode="garbage", late=True)
    with pytest.raises(Ambiguous):
        await sender.send(ME, Outgoing(b, "Hello", "b"))
    break_network(url, path="/messages", status=429, retry_after=0.1)
    with pytest.raises(Transient) as caught:
        await sender.send(ME, Outgoing(c, "Hello", "c"))
    assert caught.value.retry_after
    with pytest.raises(Transient):
        await SyntheticSender(http, "http://127.0.0.1:9").send(ME, Outgoing(d, "Hello", "d"))
    assert [calls_for(url, person) for person in (a, b, c, d)] == [[1], [1], [], []]


async def test_bad_requests_are_the_callers_mistake(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        token = {"Authorization": "Bearer omni:secret"}
        for answer in (
            await client.post("/messages", content=b"{", headers=token),
            await client.post("/messages", json={"to": "syn:1", "text": ""}, headers=token),
            await client.get("/search", params={"q": "x", "cursor": "-1"}),
            await client.get("/people", params={"ids": ",".join("a" * 101)}),
            await client.post("/faults", json={"mode": "explode"}),
        ):
            assert answer.status_code == 400, answer.text
            assert set(answer.json()) == {"error", "message"}
        unnamed = await client.post("/messages", json={"to": "syn:1", "text": "Hi"})
        assert unnamed.status_code == 401
