"""What every broker must do: ring at least once, double nothing that waits, remember its epoch."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from omni.base.errors import Transient
from omni.jobs.bullmq import BullBroker
from omni.jobs.ports import Broker
from omni.jobs.types import Delivery


@pytest.fixture(params=["bullmq"])
async def broker(
    request: pytest.FixtureRequest, valkey_url: str, queue_prefix: str
) -> AsyncIterator[Broker]:
    """Each implementation of the port, with nothing in it."""
    makers = {"bullmq": lambda: BullBroker(valkey_url, prefix=queue_prefix)}
    found = makers[request.param]()
    yield found
    await found.close()


def rings(count: int) -> list[Delivery]:
    return [Delivery(uuid4(), number) for number in range(count)]


class Ear:
    """Answers rings, and remembers them."""

    def __init__(self, expected: int) -> None:
        self.heard: Counter[Delivery] = Counter()
        self.at_once = self.most_at_once = 0
        self.refuse: set[Delivery] = set()
        self._expected = expected
        self._all = asyncio.Event()

    async def __call__(self, delivery: Delivery) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        self.heard[delivery] += 1
        if self.heard.total() >= self._expected:
            self._all.set()
        return delivery not in self.refuse or self.heard[delivery] > 1

    async def everything(self) -> None:
        await asyncio.wait_for(self._all.wait(), 30)


async def test_every_ring_is_heard_and_no_more_than_agreed_at_once(broker: Broker) -> None:
    sent = rings(60)
    await broker.publish("crawl", sent)
    ear = Ear(60)
    consumer = broker.consume("crawl", ear, concurrency=5)
    await ear.everything()
    await consumer.close()
    assert ear.heard == Counter(sent)
    assert ear.most_at_once == 5


async def test_a_ring_that_waits_is_not_doubled(broker: Broker) -> None:
    sent = rings(10)
    for _ in range(3):
        await broker.publish("qualify", sent)
    ear = Ear(10)
    consumer = broker.consume("qualify", ear, concurrency=5)
    await ear.everything()
    await asyncio.sleep(0.2)
    await consumer.close()
    assert ear.heard == Counter(sent)


async def test_an_answered_ring_can_be_rung_again(broker: Broker) -> None:
    sent = rings(1)
    for _ in range(2):
        ear = Ear(1)
        consumer = broker.consume("qualify", ear, concurrency=1)
        await broker.publish("qualify", sent)
        await ear.everything()
        await consumer.close()
        assert ear.heard == Counter(sent)


async def test_a_ring_that_was_not_answered_rings_again_at_once(broker: Broker) -> None:
    sent = rings(3)
    ear = Ear(4)
    ear.refuse = {sent[1]}
    consumer = broker.consume("dispatch", ear, concurrency=2)
    await broker.publish("dispatch", sent)
    async with asyncio.timeout(3):  # faster than the broker's own search for lost consumers
        await ear.everything()
    await consumer.close()
    assert ear.heard == Counter(sent) + Counter([sent[1]])


async def test_an_answer_that_breaks_is_asked_for_again(broker: Broker) -> None:
    heard: list[Delivery] = []
    twice = asyncio.Event()

    async def break_once(delivery: Delivery) -> bool:
        heard.append(delivery)
        if len(heard) == 1:
            raise RuntimeError("a bug in the worker")
        twice.set()
        return True

    sent = rings(1)
    consumer = broker.consume("dispatch", break_once, concurrency=1)
    await broker.publish("dispatch", sent)
    await asyncio.wait_for(twice.wait(), 30)
    await consumer.close()
    assert heard == sent * 2


async def test_queues_do_not_hear_each_other(broker: Broker) -> None:
    sent = rings(2)
    await broker.publish("crawl", sent[:1])
    await broker.publish("dispatch", sent[1:])
    ear = Ear(1)
    consumer = broker.consume("dispatch", ear, concurrency=4)
    await ear.everything()
    await asyncio.sleep(0.2)
    await consumer.close()
    assert ear.heard == Counter(sent[1:])


async def test_closing_waits_for_the_answer_under_way(broker: Broker) -> None:
    began, done = asyncio.Event(), asyncio.Event()

    async def slow(delivery: Delivery) -> bool:
        began.set()
        await asyncio.sleep(0.5)
        done.set()
        return True

    consumer = broker.consume("crawl", slow, concurrency=1)
    await broker.publish("crawl", rings(2))
    await asyncio.wait_for(began.wait(), 20)
    await consumer.close()
    assert done.is_set()


async def test_the_epoch_is_kept(broker: Broker) -> None:
    assert await broker.epoch() is None
    await broker.set_epoch("ready")
    assert await broker.epoch() == "ready"
    await broker.ping()


async def test_a_word_is_remembered_under_its_name(broker: Broker) -> None:
    assert await broker.recall("sent") is None
    await broker.remember("sent", "yesterday")
    await broker.remember("sent", "today")
    await broker.remember("other", "x")
    assert await broker.recall("sent") == "today"


async def test_a_server_that_is_not_there_is_a_passing_fault() -> None:
    gone = BullBroker("redis://127.0.0.1:1/0", prefix="t")
    for call in (gone.ping(), gone.epoch(), gone.set_epoch("x"), gone.publish("crawl", rings(1))):
        with pytest.raises(Transient, match="redis"):
            await call
    await gone.close()
