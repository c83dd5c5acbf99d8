"""Large files of suppressions: bounded memory, refused beyond the cap, and whole lines alone."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psutil
import pytest

from omni.api import suppression_files
from omni.client.client import ApiProblem, OmniClient
from omni.storage.db import Database
from tests.api_fixtures import Served, served
from tests.dispatch_fixtures import rows

FULL = os.environ.get("OMNI_TEST_LONG") == "1"
BYTES = suppression_files.MAX_BYTES if FULL else 8_000_000
GROWTH_MB = 6
"""What the API's process may grow by: less than the shortest file that is sent."""
HEADING = b"platform,platform_id,reason\n"
LINE = b"bluesky,did:plc:%024d,asked\n"
PIECE_LINES = 1_000
MOST_SENT = 40_000_000
"""Bytes that may be on their way when a caller is refused: what the sockets of both ends hold."""


async def lines_of(count: int) -> AsyncIterator[bytes]:
    """Yield a file of so many lines, made as it is read."""
    yield HEADING
    for first in range(0, count, PIECE_LINES):
        last = min(first + PIECE_LINES, count)
        yield b"".join(LINE % number for number in range(first, last))


def size_of(count: int) -> int:
    return len(HEADING) + count * len(LINE % 0)


@asynccontextmanager
async def api_process(database_url: str) -> AsyncGenerator[tuple[str, psutil.Process]]:
    """Run the API in a process; yield its address and the process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.suppressions_process", database_url),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        assert url, "the process did not start"
        yield url, psutil.Process(process.pid)
    finally:
        process.stdin.close()
        await process.wait()


class Watch:
    """Looks at a process's memory from time to time."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.first = self.most = process.memory_info().rss

    async def run(self) -> None:
        while True:
            self.most = max(self.most, self._process.memory_info().rss)
            await asyncio.sleep(0.05)

    @property
    def grown_mb(self) -> float:
        return (self.most - self.first) / 1e6


@pytest.mark.long
async def test_a_large_file_is_taken_in_bounded_memory(db: Database, database_url: str) -> None:
    count = (BYTES - len(HEADING)) // len(LINE % 0)
    async with api_process(database_url) as (url, process), OmniClient(url) as client:
        warm = await client.suppress_file(lines_of(12_000))
        assert warm.added == 12_000
        watch = Watch(process)
        watching = asyncio.create_task(watch.run())
        began = time.monotonic()
        done = await client.suppress_file(lines_of(count), size=size_of(count))
        took = time.monotonic() - began
        watching.cancel()
        print(
            f"{size_of(count):,} bytes, {count:,} lines in {took:.0f} s; the process grew from "
            f"{watch.first / 1e6:.0f} MB by {watch.grown_mb:.1f} MB"
        )
        assert (done.lines, done.added, done.known, done.bad) == (
            count + 1,
            count - 12_000,
            12_000,
            0,
        )
        assert watch.grown_mb <= GROWTH_MB
    (found,) = await rows(db, "select count(*) as n from suppressions")
    assert found["n"] == count


@pytest.fixture
async def api(db: Database) -> AsyncGenerator[Served]:
    async with served(db) as running:
        yield running


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = await connect(api.url)
    writer.write(head(f"Content-Length: {suppression_files.MAX_BYTES + 1}") + HEADING + LINE % 1)
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 20)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"at most 100,000,000 bytes" in answer
    writer.close()
    monkeypatch.setattr(suppression_files, "MAX_BYTES", size_of(12_000) - 1)
    with pytest.raises(ApiProblem) as refused:
        await api.client.suppress_file(lines_of(12_000), size=size_of(12_000))
    assert refused.value.status == 413
    assert (await api.counts())["suppressions"] == 0


async def test_beyond_the_cap_whole_lines_alone_stand_and_the_caller_is_told_at_once(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_files, "MAX_BYTES", size_of(12_000) + 10)
    reader, writer = await connect(api.url)
    told = asyncio.create_task(reader.readuntil(b"}"))
    writer.write(head("Transfer-Encoding: chunked"))
    sent = 0
    async for piece in lines_of(10_000_000):
        if told.done():
            break
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        sent += len(piece)
    assert (await told).startswith(b"HTTP/1.1 413 ")
    assert sent < MOST_SENT, "it is told before it has sent all"
    writer.close()
    found = await rows(api.db, "select platform_id from suppressions order by id")
    assert len(found) % suppression_files.BATCH == 0
    assert 0 < len(found) <= 12_000
    assert [row["platform_id"] for row in found] == [
        f"did:plc:{number:024d}" for number in range(len(found))
    ]
    done = await api.client.suppress_file(lines_of(12_000), size=size_of(12_000))
    assert (done.known, done.added) == (len(found), 12_000 - len(found))


async def test_what_broke_off_goes_on_when_it_is_sent_again(api: Served) -> None:
    reader, writer = await connect(api.url)
    writer.write(head(f"Content-Length: {size_of(8_000)}"))
    whole = b"".join([piece async for piece in lines_of(8_000)])
    writer.write(whole[: size_of(7_000) + 20])
    await writer.drain()
    writer.close()
    await asyncio.wait_for(reader.read(), 20)
    done = await api.client.suppress_file(lines_of(8_000), size=size_of(8_000))
    assert done.known in (0, suppression_files.BATCH), (
        "of the part that was not whole nothing stands"
    )
    assert done.known + done.added == 8_000
    (found,) = await rows(
        api.db, "select count(*) as n, min(length(platform_id)) as least from suppressions"
    )
    assert (found["n"], found["least"]) == (8_000, 32)


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = urlsplit(url)
    return await asyncio.open_connection(where.hostname, where.port)


def head(length: str) -> bytes:
    lines = (
        "POST /suppressions/file HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: text/csv",
        length,
    )
    return "\r\n".join((*lines, "", "")).encode()
