"""Makes requests: tries, waits, follows redirects, and keeps every bound.

What to ask, and what to do with the outcome, is decided by `addresses`, `exchange`, `limits`,
`retry`, `pace` and `breaker`, which are pure; `wire` does the transfer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from random import Random
from typing import TypeVar

from omni.base.clock import Clock
from omni.base.errors import Ambiguous, Transient
from omni.base.log import get_logger
from omni.connectors.addresses import Loopback, check_addresses
from omni.connectors.exchange import Answer, Ask, Fault, HttpRejected, Intake, Moved, TooLarge
from omni.connectors.gate import Gate
from omni.connectors.hosts import Hosts
from omni.connectors.lane import Lane
from omni.connectors.limits import asked_wait, wait_in_body
from omni.connectors.meter import count_request, count_wait
from omni.connectors.proxies import Proxies
from omni.connectors.retry import RetryPolicy, judge_status, next_wait, surely_not_taken
from omni.connectors.wire import Wire

_T = TypeVar("_T")
_MAX_REDIRECTS = 3


class Engine:
    """Carries requests out, on one event loop.

    Args:
        hosts: What is known of each host.
        wire: Transfers.
        policy: How often and how long to retry.
        loopback: Whether this machine may be asked.
        proxies: The ways out to what is elsewhere; straight where there are none.
        proxy_dns: Whether a proxy looks names up, and not we; then only addresses that are written
            as such can be checked.
        timeout_s: Bound of a look-up of addresses. Seconds.
        clock: Tells the time of day, for dates in headers.
        rng: The source of jitter.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        wire: Wire,
        policy: RetryPolicy,
        loopback: Loopback,
        proxies: Proxies,
        proxy_dns: bool,
        timeout_s: float,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._hosts = hosts
        self._wire = wire
        self._policy = policy
        self._loopback = loopback
        self._proxies = proxies
        self._proxy_dns = proxy_dns
        self._timeout_s = timeout_s
        self._clock = clock
        self._rng = rng

    async def run(self, ask: Ask, read: Callable[[Answer], _T]) -> _T:
        """Return what `read` makes of the answer; `HttpClient` says what is raised."""
        return await (self._once if ask.once else self._retrying)(ask, read)

    async def _retrying(self, ask: Ask, read: Callable[[Answer], _T]) -> _T:
        """Try until it works, or until the policy says enough."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        attempt = 0
        while True:
            try:
                return read(await self._try(ask))
            except Fault as fault:
                if fault.kind == "open" and not attempt:
                    raise Transient(str(fault), retry_after=fault.asked_s) from fault
                # A pause is no try: the host was not asked. The time bound still holds.
                attempt += fault.kind not in ("paused", "open")
                wait = next_wait(
                    self._policy,
                    attempt=attempt,
                    elapsed_s=loop.time() - began,
                    asked_s=fault.asked_s,
                    rng=self._rng,
                )
                _log_fault(ask, fault, attempt, wait)
                if wait is None:
                    raise Transient(str(fault), retry_after=fault.asked_s) from fault
            count_wait(wait)
            await asyncio.sleep(wait)

    async def _once(self, ask: Ask, read: Callable[[Answer], _T]) -> _T:
        """Try once, and tell "surely not taken" from "perhaps taken"."""
        try:
            return read(await self._try(ask))
        except Fault as fault:
            _log_fault(ask, fault, 1, None)
            if surely_not_taken(fault):
                raise Transient(str(fault), retry_after=fault.asked_s) from fault
            raise Ambiguous(f"perhaps taken: {fault}") from fault
        except TooLarge as error:
            raise Ambiguous(f"perhaps taken: {error}") from error

    async def _try(self, ask: Ask) -> Answer:
        """Make the request, follow its redirects, and judge what came."""
        for _ in range(_MAX_REDIRECTS + 1):
            if paused := self._hosts.paused_for(ask.limit_key):
                message = f"{ask.target.host} asked to be left alone for {paused:.0f} s"
                raise Fault("paused", message, asked_s=paused, sent=False)
            answer = await self._exchange(ask)
            asked = asked_wait(answer.status, answer.headers, self._clock()) or wait_in_body(
                answer.status, answer.body
            )
            if asked:
                self._hosts.pause(ask.limit_key, asked)
            verdict = judge_status(answer.status, conditional=ask.conditional)
            if verdict == "fine":
                return answer
            if verdict == "passing":
                message = f"{answer.host} answered {answer.status}"
                raise Fault("status", message, status=answer.status, asked_s=asked)
            location = answer.headers.get("location")
            if verdict == "final" or ask.method != "GET" or not location:
                raise answer.refusal()
            ask = ask.redirected(location, self._loopback)
            if not ask.follow:
                raise Moved(ask.target.url, status=answer.status)
        raise HttpRejected(f"{ask.target.host} redirects without end", status=310)

    async def _exchange(self, ask: Ask) -> Answer:
        """Make one request, when its turn comes."""
        loop = asyncio.get_running_loop()
        lane = self._hosts.lane(ask.target)
        came = loop.time()
        lane.check(came)
        await lane.enter()
        try:
            await _enter(self._hosts.all, lane)
            try:
                began = loop.time()
                if began - came > 0.001:
                    count_wait(began - came)
                if self._proxies and not ask.target.is_local:
                    return await self._through_a_proxy(ask, lane)
                return await self._transfer(ask, lane, began, "")
            finally:
                self._hosts.all.leave()
        finally:
            lane.leave()

    async def _through_a_proxy(self, ask: Ask, lane: Lane) -> Answer:
        """Make one request through the proxy with the most room, and note how the proxy did."""
        loop = asyncio.get_running_loop()
        try:
            proxy = self._proxies.choose(loop.time())
        except Fault:
            lane.ended_early()
            raise
        await _enter(proxy.gate, lane)
        began = loop.time()
        try:
            answer = await self._transfer(ask, lane, began, proxy.url)
        except Fault as fault:
            if fault.kind == "proxy":
                proxy.failed(began, loop.time())
            elif fault.sent:
                proxy.worked()
            raise
        finally:
            proxy.gate.leave()
        proxy.worked()
        return answer

    async def _transfer(self, ask: Ask, lane: Lane, began: float, proxy: str) -> Answer:
        """Make one request, to addresses that were checked, and note how it went."""
        target = ask.target
        intake = Intake(ask)
        loop = asyncio.get_running_loop()
        try:
            addresses: tuple[str, ...] = ()
            if target.address is None and not (proxy and self._proxy_dns):
                addresses = await self._hosts.addresses(target.host, target.port, self._timeout_s)
                check_addresses(target, map(ip_address, addresses))
            answer = await self._wire.exchange(ask, intake, addresses, proxy)
        except Fault as fault:
            lane.failed(fault, began, loop.time(), intake.size)
            count_request(intake.size, failed=True)
            raise
        except BaseException:
            # Cut off for its size, refused for its address, or cancelled: no word on the host.
            lane.ended_early()
            count_request(intake.size, failed=False)
            raise
        lane.answered(answer.status, began, loop.time(), intake.size)
        count_request(intake.size, failed=judge_status(answer.status) == "passing")
        return answer


async def _enter(gate: Gate, lane: Lane) -> None:
    """Wait for a place; who gives up says so, lest the host waits for its probe for ever."""
    try:
        await gate.enter()
    except BaseException:
        lane.ended_early()
        raise


def _log_fault(ask: Ask, fault: Fault, attempt: int, wait_s: float | None) -> None:
    """Log a failed try; never the query or the headers, which may hold secrets."""
    get_logger().warning(
        "http.try_failed",
        method=ask.method,
        url=ask.target.url.partition("?")[0],
        attempt=attempt,
        fault=fault.kind,
        status=fault.status,
        asked_s=fault.asked_s,
        wait_s=wait_s,
    )
