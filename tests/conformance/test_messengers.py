"""What every `MessageSender` and `Inbox` owe; `messengers.py` says how to add one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from omni.base.errors import Ambiguous, CannotTell, Rejected, Transient, Unauthorized
from omni.connectors.types import InboxEvent, Outgoing
from tests.conformance.messenger_case import Failure, MakeCase, MessengerCase
from tests.conformance.messengers import messenger_params

MAX_PAGES = 50


@pytest.fixture(params=messenger_params())
async def case(request: pytest.FixtureRequest) -> AsyncIterator[MessengerCase]:
    make: MakeCase = request.param
    async with make(request) as made:
        yield made


async def everything(case: MessengerCase) -> list[InboxEvent]:
    """Read the inbox from its beginning to its end."""
    assert case.inbox is not None
    events: list[InboxEvent] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await case.inbox.poll(case.me, cursor)
        events += page.events
        if not page.more:
            return events
        assert page.cursor != cursor, "a cursor that stands still never ends"
        cursor = page.cursor
    raise AssertionError(f"more than {MAX_PAGES} pages")


async def test_a_message_arrives_once_and_is_receipted(case: MessengerCase) -> None:
    if case.inbox is not None:
        assert case.sender.platform == case.inbox.platform
    receipt = await case.sender.send(case.me, case.to(case.people[0]))
    assert receipt.message_id
    assert receipt.sent_at.utcoffset() is not None
    assert await case.taken(case.people[0]) == 1


async def test_a_text_arrives_as_it_was_written(case: MessengerCase) -> None:
    text = "Grüße, Zoë 👩‍💻 – “hi” & <b>bold</b>\n\n{{ name }} \\ 100 % ✓"
    await case.sender.send(case.me, Outgoing(case.people[0], text, case.key(case.people[0])))
    assert await case.texts(case.people[0]) == [text]


@pytest.mark.parametrize("who", ["closed", "gone"])
async def test_people_who_cannot_be_written_to_are_a_refusal(case: MessengerCase, who: str) -> None:
    person: str = getattr(case, who)
    with pytest.raises(Rejected):
        await case.sender.send(case.me, case.to(person))
    assert await case.taken(person) == 0


async def test_an_account_that_is_not_accepted_is_no_fault_of_the_message(
    case: MessengerCase,
) -> None:
    with pytest.raises(Unauthorized):
        await case.sender.send(case.nobody, case.to(case.people[0]))
    if case.inbox is not None:
        with pytest.raises(Unauthorized):
            await case.inbox.poll(case.nobody, None)
    assert await case.taken(case.people[0]) == 0


@pytest.mark.parametrize("failure", ["lost answer", "garbage answer"])
async def test_what_was_perhaps_taken_is_ambiguous_and_not_repeated(
    case: MessengerCase, failure: Failure
) -> None:
    case.fail_next(failure)
    if failure == "garbage answer" and "form" in case.lacks:
        assert await case.sender.send(case.me, case.to(case.people[0]))
    else:
        with pytest.raises(Ambiguous):
            await case.sender.send(case.me, case.to(case.people[0]))
    assert await case.taken(case.people[0]) == 1


async def test_a_server_error_is_never_taken_for_a_refusal(case: MessengerCase) -> None:
    case.fail_next("server error")
    with pytest.raises((Ambiguous, Transient)):
        await case.sender.send(case.me, case.to(case.people[0]))


async def test_an_account_is_who_it_says_it_is(case: MessengerCase) -> None:
    identity = await case.sender.verify(case.me)
    assert identity.platform_id
    assert identity.handle
    with pytest.raises(Unauthorized):
        await case.sender.verify(case.nobody)
    with pytest.raises(Transient):
        await case.down.verify(case.me)


async def test_who_may_be_written_to_is_asked_before_the_wire(case: MessengerCase) -> None:
    assert await case.sender.refusal(case.me, case.people[0]) is None
    if "settings" in case.lacks:
        assert case.lacks["settings"]
        return
    assert await case.sender.refusal(case.me, case.closed)
    assert await case.sender.refusal(case.me, case.gone)
    with pytest.raises(Transient):
        await case.down.refusal(case.me, case.people[0])
    assert await case.taken(case.people[0]) == 0


async def test_what_was_perhaps_taken_is_found_in_the_thread(case: MessengerCase) -> None:
    since = datetime.now(UTC)
    message = case.to(case.people[0])
    if "thread" in case.lacks:
        with pytest.raises(CannotTell):
            await case.sender.find_sent(case.me, message, since)
        return
    assert await case.sender.find_sent(case.me, message, since) is None
    case.fail_next("lost answer")
    with pytest.raises(Ambiguous):
        await case.sender.send(case.me, message)
    found = await case.sender.find_sent(case.me, message, since)
    assert found is not None
    assert found.message_id
    other = Outgoing(case.people[0], "Another text", "another key")
    assert await case.sender.find_sent(case.me, other, since) is None
    again = Outgoing(case.people[0], message.text, "a later message with the same words")
    assert await case.sender.find_sent(case.me, again, since + timedelta(hours=1)) is None
    assert await case.sender.find_sent(case.me, case.to(case.people[1]), since) is None
    assert await case.taken(case.people[0]) == 1
    with pytest.raises(Unauthorized):
        await case.sender.find_sent(case.nobody, message, since)
    with pytest.raises(Transient):
        await case.down.find_sent(case.me, message, since)


async def test_what_was_surely_not_taken_may_be_tried_again(case: MessengerCase) -> None:
    case.fail_next("rate limit")
    with pytest.raises(Transient) as caught:
        await case.sender.send(case.me, case.to(case.people[0]))
    assert caught.value.retry_after
    with pytest.raises(Transient):
        await case.down.send(case.me, case.to(case.people[0]))
    assert await case.taken(case.people[0]) == 0
    await asyncio.sleep(caught.value.retry_after)
    await case.sender.send(case.me, case.to(case.people[0]))
    assert await case.taken(case.people[0]) == 1


async def test_answers_name_the_person_and_the_message(case: MessengerCase) -> None:
    if "inbox" in case.lacks:
        assert case.inbox is None
        return
    since = datetime.now(UTC) - timedelta(seconds=5)
    receipts = {
        p: (await case.sender.send(case.me, case.to(p))).message_id for p in case.people[:10]
    }
    for person in case.people[:10]:
        await case.reply(person, "Yes, I would")
    replies: list[InboxEvent] = []
    async with asyncio.timeout(20):
        while not replies:
            replies = [
                e for e in await everything(case)
                if e.kind == "replied" and e.occurred_at >= since
            ]  # fmt: skip
            await asyncio.sleep(0.05)
    for reply in replies:
        assert reply.text
        assert reply.platform_id in receipts
        assert reply.in_reply_to in (None, receipts[reply.platform_id])
        assert reply.occurred_at.utcoffset() is not None


async def test_reading_again_gives_the_same_events_and_a_cursor_only_later_ones(
    case: MessengerCase,
) -> None:
    if case.inbox is None:
        assert case.lacks["inbox"]
        return
    for person in case.people[:5]:
        await case.sender.send(case.me, case.to(person))
        await case.reply(person, "Perhaps")
    await asyncio.sleep(0.2)
    events = await everything(case)
    assert len({event.event_id for event in events}) == len(events)
    assert await everything(case) == events
    page = await case.inbox.poll(case.me, None)
    while page.more:
        page = await case.inbox.poll(case.me, page.cursor)
    await case.sender.send(case.me, case.to(case.people[5]))
    await case.reply(case.people[5], "Later")
    await asyncio.sleep(0.2)
    later = (await case.inbox.poll(case.me, page.cursor)).events
    assert [*events, *later] == await everything(case)
