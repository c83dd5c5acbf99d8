"""A file of suppressions, taken line by line as it comes: never more than a part of it is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect

from omni.api.deps import ApiDeps
from omni.api.errors import TooLarge
from omni.api.schemas.inbox import BadLine, SuppressionFileOut
from omni.api.uploads import STALLED_S
from omni.base.errors import Rejected
from omni.dispatch import store as dispatch
from omni.leads import suppressions_store as suppressions
from omni.leads.plan import MAX_LINE, Layout, Wanted, layout_of, read_line

MAX_BYTES = 100_000_000
BATCH = 5_000
"""Lines that are written together."""
MAX_PROBLEMS = 100


@dataclass(slots=True)
class _Taking:
    deps: ApiDeps
    platform: str | None
    reason: str
    layout: Layout | None = None
    lines: int = 0
    asked: int = 0
    added: int = 0
    bad: int = 0
    cancelled: int = 0
    wanted: list[Wanted] = field(default_factory=list[Wanted])
    problems: list[BadLine] = field(default_factory=list[BadLine])

    async def take(self, line: bytes) -> None:
        """Read one line, and write what has gathered."""
        self.lines += 1
        if self.layout is None:
            self.layout = layout_of(line[:MAX_LINE])
            if self.layout.columns:
                return
        try:
            found = read_line(line, self.layout, platform=self.platform, reason=self.reason)
        except Rejected as error:
            self.bad += 1
            if len(self.problems) < MAX_PROBLEMS:
                self.problems.append(BadLine(line=self.lines, what=str(error)))
            return
        if found is not None:
            self.wanted.append(found)
        if len(self.wanted) >= BATCH:
            await self.write()

    async def write(self) -> None:
        """Write what has gathered, and cancel what waits for these people, as one."""
        if not self.wanted:
            return
        now, people = self.deps.clock(), [key for line in self.wanted for key in line.keys]
        async with self.deps.db.transaction() as tx:
            self.added += await suppressions.suppress_many(tx, self.wanted, source="file", now=now)
            self.cancelled += await dispatch.cancel_for_people(
                tx, people, reason=f"suppressed: {self.reason}", now=now
            )
        self.asked += len(self.wanted)
        self.wanted = []


async def take_file(
    deps: ApiDeps,
    stream: AsyncIterator[bytes],
    *,
    platform: str | None,
    reason: str,
    declared: int | None = None,
) -> SuppressionFileOut:
    """Take a file as it comes.

    Args:
        deps: What the API has of the world.
        stream: The bytes.
        platform: Of persons whose line names none.
        reason: Where a line gives none.
        declared: How many bytes the caller says will come.

    Raises:
        TooLarge: It has more than `MAX_BYTES`. If so many were declared, nothing is read; else what
            was written before that showed stands.
        Rejected: It is empty, it broke off, or nothing came for `STALLED_S`; what was written
            before stands.
    """
    if declared is not None and declared > MAX_BYTES:
        raise _too_large()
    taking = _Taking(deps, platform, reason)
    rest, size = b"", 0
    async for chunk in _in_time(stream):
        size += len(chunk)
        if size > MAX_BYTES:
            raise _too_large()
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            await taking.take(line.rstrip(b"\r"))
        # Of a line without an end no more is held than shows that it is too long.
        rest = rest[: 2 * MAX_LINE]
    if not size:
        raise Rejected("the file is empty")
    if rest:
        await taking.take(rest.rstrip(b"\r"))
    await taking.write()
    return SuppressionFileOut(
        lines=taking.lines,
        added=taking.added,
        known=taking.asked - taking.added,
        bad=taking.bad,
        problems=taking.problems,
        cancelled_messages=taking.cancelled,
    )


async def _in_time(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces, as long as each comes in time."""
    iterator = aiter(stream)
    while True:
        try:
            async with asyncio.timeout(STALLED_S):
                chunk = await anext(iterator, None)
        except ClientDisconnect as error:
            raise Rejected("the file broke off: send it again") from error
        except TimeoutError as error:
            raise Rejected(f"nothing came for {STALLED_S:g} s: send the file again") from error
        if chunk is None:
            return
        yield chunk


def _too_large() -> TooLarge:
    return TooLarge(f"a file may have at most {MAX_BYTES:,} bytes: send it in parts")
