"""The broker on BullMQ (Redis protocol): the one place that imports `bullmq` and `redis`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from bullmq import DelayedError, Queue, Worker
from bullmq import Job as Ring
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import EqualJitterBackoff
from redis.exceptions import RedisError

from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.jobs.coalesce import Coalescer
from omni.jobs.ports import Answer
from omni.jobs.types import Delivery, QueueName

SOCKET_TIMEOUT_S = 15.0
"""Longer than BullMQ's longest blocking read (10 s), so that only a dead server trips it."""

CLOSE_TIMEOUT_S = 5.0
RESTART_PAUSE_S = 1.0

RING_OPTIONS: dict[str, Any] = {
    "attempts": 1,  # the ledger counts
    "removeOnComplete": True,
    "removeOnFail": True,
}

WORKER_OPTIONS: dict[str, Any] = {
    "autorun": False,
    "lockDuration": 5_000,
    "stalledInterval": 5_000,
    # Past this count BullMQ would fail a ring whose workers died; the ledger counts attempts.
    "maxStalledCount": 1_000_000,
    # After a lost connection; the default is 15 s.
    "runRetryDelay": 500,
    **{name: RING_OPTIONS[name] for name in ("removeOnComplete", "removeOnFail")},
}


class BullBroker:
    """Rings doorbells through BullMQ queues on a Redis-compatible server.

    Args:
        redis_url: Such as `redis://127.0.0.1:6379/0`.
        prefix: Keeps installations that share a server apart; every key begins with it.
    """

    def __init__(self, redis_url: str, *, prefix: str = "omni") -> None:
        self._url = redis_url
        self._prefix = prefix
        self._client = _connect(redis_url)
        self._queues: dict[QueueName, Queue] = {}

    async def publish(self, queue: QueueName, deliveries: Sequence[Delivery]) -> None:
        """Ring these doorbells; BullMQ drops a ring whose id it still holds."""
        rings = [{"name": "job", "data": {}, "opts": _ring_options(one)} for one in deliveries]
        async with _passing_faults():
            await self._queue(queue).addBulk(rings)

    def consume(self, queue: QueueName, answer: Answer, *, concurrency: int) -> BullConsumer:
        """Answer the rings of `queue`, at most `concurrency` at once, until it is closed."""
        options = {**WORKER_OPTIONS, "prefix": self._prefix, "concurrency": concurrency}
        return BullConsumer(self._url, queue, answer, options)

    async def epoch(self) -> str | None:
        """Return the mark that was last set, or None when Redis has lost its data."""
        async with _passing_faults():
            return await self._client.get(self._epoch_key)

    async def set_epoch(self, mark: str) -> None:
        """Set the mark that lives and dies with Redis' data."""
        async with _passing_faults():
            await self._client.set(self._epoch_key, mark)

    async def recall(self, name: str) -> str | None:
        """Return the word that was last remembered under a name."""
        async with _passing_faults():
            return await self._client.get(f"{self._prefix}:memory:{name}")

    async def remember(self, name: str, word: str) -> None:
        """Keep a word for as long as Redis keeps its data."""
        async with _passing_faults():
            await self._client.set(f"{self._prefix}:memory:{name}", word)

    async def ping(self) -> None:
        """Return when Redis answers."""
        async with _passing_faults():
            await self._client.execute_command("PING")

    async def close(self) -> None:
        """Close the connections that publish; consumers close their own."""
        await self._client.aclose()

    @property
    def _epoch_key(self) -> str:
        return f"{self._prefix}:epoch"

    def _queue(self, name: QueueName) -> Queue:
        if name not in self._queues:
            self._queues[name] = Queue(name, {"connection": self._client, "prefix": self._prefix})
        return self._queues[name]


class BullConsumer:
    """A BullMQ worker that is begun anew should its loop ever end by itself."""

    def __init__(self, url: str, queue: QueueName, answer: Answer, options: dict[str, Any]) -> None:
        self._url = url
        self._queue = queue
        self._answer = answer
        self._options = options
        self._log = get_logger().bind(queue=queue)
        self._closing = asyncio.Event()
        self._answering = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._task = asyncio.get_running_loop().create_task(self._supervise())

    async def close(self) -> None:
        """Take no more rings; return when every answer was given.

        A fetch that hangs on a lost Redis is given up after a bound.
        """
        self._closing.set()
        await self._task

    async def _supervise(self) -> None:
        while not self._closing.is_set():
            client = _connect(self._url)
            worker = Worker(self._queue, self._process, {**self._options, "connection": client})
            self._worker = worker
            worker.on("error", self._note_error)
            running = asyncio.create_task(worker.run())
            closing = asyncio.create_task(self._closing.wait())
            await asyncio.wait({running, closing}, return_when=asyncio.FIRST_COMPLETED)
            await _close_worker(worker, running, self._idle)
            if not closing.done():
                closing.cancel()
                self._log.warning("jobs.consumer_restarted")
                await asyncio.sleep(RESTART_PAUSE_S)

    async def _process(self, ring: Ring, token: str) -> None:
        delivery = _delivery(ring.id)
        if delivery is None:
            self._log.warning("jobs.ring_dropped", ring=ring.id)
            return
        self._answering += 1
        self._idle.clear()
        try:
            answered = await self._answer(delivery)
        except Exception:
            # Left alone, its lock runs out in seconds, and then it rings again: no hot loop.
            self._log.exception("jobs.ring_failed")
            raise DelayedError from None
        finally:
            self._answering -= 1
            if not self._answering:
                self._idle.set()
        if not answered:
            await self._put_back(ring, token)
            raise DelayedError  # tells BullMQ that the ring is neither done nor failed

    async def _put_back(self, ring: Ring, token: str) -> None:
        try:
            await self._worker.backend.retryJob(ring.id, True, token)
        except (RedisError, OSError, TypeError) as error:
            # BullMQ raises TypeError for a lost lock; either way the ring comes back by itself.
            self._note_error(error)

    def _note_error(self, error: Exception, *_: object) -> None:
        self._log.warning("jobs.broker_faltered", error=f"{type(error).__name__}: {error}")


async def _close_worker(worker: Worker, running: asyncio.Task[None], idle: asyncio.Event) -> None:
    """Close BullMQ's worker when no answer is under way.

    Its own `close` waits for its fetches too, and those try for ever while Redis is gone.
    """
    closing = asyncio.create_task(worker.close())
    await idle.wait()
    await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT_S)
    if not closing.done():
        await worker.close(force=True)
    await asyncio.wait({running}, timeout=CLOSE_TIMEOUT_S)
    running.cancel()
    await asyncio.gather(running, closing, return_exceptions=True)


def _ring_options(delivery: Delivery) -> dict[str, Any]:
    # BullMQ builds its keys with ':', so that an id must not hold one.
    return {**RING_OPTIONS, "jobId": f"{delivery.job_id}.{delivery.number}"}


def _delivery(ring_id: str) -> Delivery | None:
    """Read a ring's id; None when it was not the relay that rang."""
    job_id, _, number = ring_id.partition(".")
    try:
        return Delivery(UUID(job_id), int(number))
    except ValueError:
        return None


@asynccontextmanager
async def _passing_faults() -> AsyncGenerator[None]:
    """Turn the faults of a connection into `Transient`."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Transient(f"redis: {error or type(error).__name__}") from error


def _connect(url: str) -> PipeliningRedis:
    # BullMQ's own client keeps one connection, one command at a time, and waits up to 20 s between
    # two attempts to reconnect.
    return PipeliningRedis.from_url(
        url,
        decode_responses=True,
        socket_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(EqualJitterBackoff(cap=1.0, base=0.05), 3),
    )


class PipeliningRedis(Redis):
    """Sends commands that are asked for at the same time in one round trip.

    BullMQ moves each job by scripts of its own; with many jobs in hand, the round trips and the
    client's work for each would be most of what a worker does.
    """

    _blocking = frozenset({"BZPOPMIN"})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._calls = Coalescer[tuple[tuple[Any, ...], dict[str, Any]], Any](self._send)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command, together with the others that wait."""
        if args[0] in self._blocking:
            return await super().execute_command(*args, **options)
        return await self._calls.submit((args, options))

    async def _send(self, calls: Sequence[tuple[tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
        pipe = self.pipeline(transaction=False)
        for args, options in calls:
            pipe.execute_command(*args, **options)
        return await pipe.execute(raise_on_error=False)
