"""What is remembered of each host: its lane, its addresses, and how long to leave it alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import TypeVar

from omni.connectors.addresses import Target
from omni.connectors.exchange import Fault
from omni.connectors.gate import Gate
from omni.connectors.lane import Lane
from omni.connectors.types import HostMetrics

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host and port; raises OSError where there are none."""

MAX_REMEMBERED = 4_096
MAX_METRICS = 200
"""The most hosts that a snapshot shows: those asked most."""

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
        self.all = Gate(concurrency)
        self._per_host = per_host
        self._resolver = resolver
        self._lanes: dict[str, Lane] = {}
        self._addresses: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}
        self._paused: dict[Hashable, float] = {}

    def lane(self, target: Target) -> Lane:
        """Return the way to the target's host."""
        name = target.authority
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(name, self._per_host)
            if len(self._lanes) > MAX_REMEMBERED:
                self._forget_a_lane()
        return lane

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

    def pause(self, key: tuple[str, str], seconds: float) -> None:
        """Leave a host and account alone for so long; a shorter pause does not end a longer one."""
        until = asyncio.get_running_loop().time() + seconds
        if until > self._paused.get(key, 0.0):
            _remember(self._paused, key, until)
            if lane := self._lanes.get(key[0]):
                lane.until = max(lane.until, until)

    def paused_for(self, key: tuple[str, str]) -> float:
        """Return the seconds that `key` is still to be left alone, 0 if it is not."""
        until = self._paused.get(key)
        if until is None:
            return 0.0
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            self._paused.pop(key, None)
            return 0.0
        return left

    def metrics(self) -> tuple[HostMetrics, ...]:
        """Return how each host does, the most asked first, at most `MAX_METRICS`."""
        now = asyncio.get_running_loop().time()
        busiest = sorted(self._lanes.values(), key=lambda lane: -lane.requests)[:MAX_METRICS]
        return tuple(lane.metrics(now, max(0.0, lane.until - now)) for lane in busiest)

    def _forget_a_lane(self) -> None:
        """Forget the oldest lane that nobody uses; those looked at are few, the rest can wait."""
        for name, lane in islice(self._lanes.items(), 64):
            if lane.is_idle:
                del self._lanes[name]
                return


def _remember(memory: dict[_K, _V], key: _K, value: _V) -> None:
    """Put an entry last, and forget the oldest where there are too many."""
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
