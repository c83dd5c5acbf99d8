"""What is remembered of each host: its slots, its addresses, and how long to leave it alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from omni.connectors.exchange import Fault

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host and port; raises OSError where there are none."""

MAX_REMEMBERED = 4_096
_ADDRESS_TTL_S = 60.0
_MAX_ADDRESSES = 8

_K = TypeVar("_K")
_V = TypeVar("_V")


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Ask the operating system for the addresses of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Hosts:
    """Bounds and memory for all hosts of one client; belongs to one event loop.

    Args:
        concurrency: The most requests in flight, all hosts together.
        per_host: The most requests in flight to one host.
        resolver: Finds addresses.
    """

    def __init__(self, *, concurrency: int, per_host: int, resolver: Resolver) -> None:
        self._all = asyncio.Semaphore(concurrency)
        self._per_host = per_host
        self._resolver = resolver
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._users: dict[str, int] = {}
        self._addresses: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}
        self._paused: dict[Hashable, float] = {}

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncGenerator[None]:
        """Hold one of the host's slots, then one of all; the order keeps a slow host from hogging.

        A host's semaphore is forgotten with its last user, so memory stays bounded by what is in
        flight.
        """
        slots = self._slots.setdefault(host, asyncio.Semaphore(self._per_host))
        self._users[host] = self._users.get(host, 0) + 1
        try:
            async with slots, self._all:
                yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._slots[host]

    async def addresses(self, host: str, port: int, timeout_s: float) -> tuple[str, ...]:
        """Return the host's addresses, remembered for a minute.

        Raises:
            Fault: There are none, or the answer took longer than `timeout_s`.
        """
        now = asyncio.get_running_loop().time()
        known = self._addresses.get((host, port))
        if known and known[0] > now:
            return known[1]
        try:
            async with asyncio.timeout(timeout_s):
                found = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise Fault("unreachable", f"{host} has no address: {error}", sent=False) from error
        addresses = tuple(dict.fromkeys(found))[:_MAX_ADDRESSES]
        if not addresses:
            raise Fault("unreachable", f"{host} has no address", sent=False)
        _remember(self._addresses, (host, port), (now + _ADDRESS_TTL_S, addresses))
        return addresses

    def pause(self, key: Hashable, seconds: float) -> None:
        """Leave `key` alone for so long; a shorter pause does not end a longer one."""
        until = asyncio.get_running_loop().time() + seconds
        if until > self._paused.get(key, 0.0):
            _remember(self._paused, key, until)

    def paused_for(self, key: Hashable) -> float:
        """Return the seconds that `key` is still to be left alone, 0 if it is not."""
        left = self._paused.get(key, 0.0) - asyncio.get_running_loop().time()
        if left <= 0:
            self._paused.pop(key, None)
            return 0.0
        return left


def _remember(memory: dict[_K, _V], key: _K, value: _V) -> None:
    """Put an entry last, and forget the oldest where there are too many."""
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
