"""The one way out to the web: bounded, polite, says who it is, and goes to public hosts only.

libcurl does the transfer, one pooled handle a request. What to ask, and what to do with the
outcome, is decided by `addresses`, `exchange`, `limits` and `retry`, which are pure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from random import Random
from typing import Any, Self, TypeVar

import msgspec
from curl_cffi import AsyncCurl, Curl, CurlECode, CurlError, CurlInfo, CurlMOpt, CurlOpt

from omni.base.clock import Clock, utc_now
from omni.base.errors import Ambiguous, Transient
from omni.base.log import get_logger
from omni.base.settings import Settings
from omni.connectors.addresses import Loopback, Params, check_addresses, origin_of, parse_target
from omni.connectors.exchange import (
    Answer,
    Ask,
    Fault,
    FaultKind,
    HttpRejected,
    Intake,
    TooLarge,
)
from omni.connectors.hosts import Hosts, Resolver, system_resolver
from omni.connectors.limits import asked_wait
from omni.connectors.retry import RetryPolicy, judge_status, next_wait, surely_not_taken

__all__ = ["HttpClient", "HttpRejected", "RetryPolicy", "TooLarge"]

_T = TypeVar("_T")
_MAX_REDIRECTS = 3
_MAX_CONNECT_S = 10.0
_FAULT_OF_CODE: dict[int, FaultKind] = {
    CurlECode.COULDNT_RESOLVE_PROXY: "unreachable",
    CurlECode.COULDNT_RESOLVE_HOST: "unreachable",
    CurlECode.COULDNT_CONNECT: "unreachable",
    CurlECode.SSL_CONNECT_ERROR: "unreachable",
    CurlECode.PEER_FAILED_VERIFICATION: "unreachable",
    CurlECode.PROXY: "unreachable",
    CurlECode.OPERATION_TIMEDOUT: "timeout",
    CurlECode.BAD_CONTENT_ENCODING: "garbage",
    CurlECode.UNSUPPORTED_PROTOCOL: "garbage",
    CurlECode.WEIRD_SERVER_REPLY: "garbage",
}


class HttpClient:
    """Makes requests for one event loop; close it with `aclose` or `async with`.

    Args:
        user_agent: Who we are; sent with every request.
        concurrency: The most requests in flight.
        per_host: The most requests in flight to one host.
        timeout_s: Bound of one try from connecting to the last byte. Seconds.
        max_bytes: Bound of an unpacked answer where the call sets none.
        proxy: URL of an HTTP or SOCKS proxy for everything that is not on this machine. It then
            looks names up itself, so that only addresses written as such can be checked here.
        loopback: Whether this machine may be asked: never, always, or for these origins only.
        policy: How often and how long to retry.
        clock: Tells the time of day, for dates in headers.
        rng: The source of jitter.
        resolver: Finds the addresses of a host.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        concurrency: int = 16,
        per_host: int = 8,
        timeout_s: float = 20.0,
        max_bytes: int = 8_000_000,
        proxy: str | None = None,
        loopback: Loopback = False,
        policy: RetryPolicy | None = None,
        clock: Clock = utc_now,
        rng: Random | None = None,
        resolver: Resolver = system_resolver,
    ) -> None:
        self._headers = {"User-Agent": user_agent}
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._loopback = loopback
        self._proxied = proxy is not None
        self._policy = policy or RetryPolicy()
        self._clock = clock
        self._rng = rng or Random()  # noqa: S311 - jitter, not a secret
        self._hosts = Hosts(concurrency=concurrency, per_host=per_host, resolver=resolver)
        self._wire = _Wire(timeout_s=timeout_s, proxy=proxy, connections=concurrency)

    @classmethod
    def from_settings(cls, settings: Settings, *, base_urls: Collection[str] = ()) -> Self:
        """Build the client that a process uses.

        Args:
            settings: Everything that a user may set.
            base_urls: Base URLs of the configured platforms. Those on this machine may be asked;
                nothing else on it may, so that a profile's picture cannot point at its services.
        """
        return cls(
            user_agent=settings.user_agent,
            concurrency=settings.http_concurrency,
            per_host=settings.http_per_host,
            timeout_s=settings.http_timeout_s,
            max_bytes=settings.http_max_bytes,
            proxy=settings.http_proxy,
            loopback=frozenset(origin_of(url) for url in base_urls),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; requests in flight fail."""
        await self._wire.aclose()

    async def get_json(
        self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the JSON value at `url`.

        Raises:
            HttpRejected: The server refused for good: 4xx, or redirects without end.
            TooLarge: The answer exceeds the client's bound.
            Rejected: The URL, or where it leads, must not be asked.
            Transient: No good answer within the bounded retries; `retry_after` if it was asked for.
        """
        known = {"Accept": "application/json"} | dict(headers or {})
        return await self._retrying(self._ask("GET", url, params, known), Answer.json)

    async def get_bytes(
        self,
        url: str,
        *,
        max_bytes: int | None = None,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the body at `url`.

        Args:
            url: Where from.
            max_bytes: Bound of the unpacked body; the client's own if None.
            accept: The media type that the answer must have: `image/png`, `image/*` or `*/*`.
            headers: Added to the client's own.

        Raises:
            HttpRejected: As in `get_json`, or the answer is of another type.
            TooLarge, Rejected, Transient: As in `get_json`.
        """
        known = {"Accept": accept} | dict(headers or {})
        ask = self._ask("GET", url, None, known, max_bytes=max_bytes)
        return await self._retrying(ask, lambda answer: answer.bytes_of_type(accept))

    async def post_json(
        self,
        url: str,
        *,
        json: object,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
    ) -> Any:
        """Post `json`; return the JSON value of the answer, None if it is empty.

        Args:
            url: Where to; a redirect is not followed.
            json: The body.
            params: Added to the query.
            headers: Added to the client's own.
            retry: Whether a failed try may be made again. Say False for what must reach the
                server at most once: there is one try, and "surely not taken" is told apart from
                "perhaps taken".

        Raises:
            HttpRejected, TooLarge, Rejected: As in `get_json`.
            Transient: As in `get_json`; without `retry` it means: surely not taken.
            Ambiguous: Only without `retry`: perhaps taken.
        """
        known = {"Accept": "application/json", "Content-Type": "application/json"}
        ask = self._ask(
            "POST",
            url,
            params,
            known | dict(headers or {}),
            body=msgspec.json.encode(json),
            once=not retry,
        )
        return await (self._retrying if retry else self._once)(ask, Answer.json_or_nothing)

    def _ask(
        self,
        method: str,
        url: str,
        params: Params | None,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        max_bytes: int | None = None,
        once: bool = False,
    ) -> Ask:
        return Ask(
            method=method,
            target=parse_target(url, params, loopback=self._loopback),
            headers=self._headers | dict(headers),
            body=body,
            max_bytes=self._max_bytes if max_bytes is None else max_bytes,
            once=once,
        )

    async def _retrying(self, ask: Ask, read: Callable[[Answer], _T]) -> _T:
        """Try until it works, or until the policy says enough."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        attempt = 0
        while True:
            try:
                return read(await self._try(ask))
            except Fault as fault:
                # A pause is no try: the host was not asked. The time bound still holds.
                attempt += fault.kind != "paused"
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
            asked = asked_wait(answer.status, answer.headers, self._clock())
            if asked:
                self._hosts.pause(ask.limit_key, asked)
            verdict = judge_status(answer.status)
            if verdict == "fine":
                return answer
            if verdict == "passing":
                message = f"{answer.host} answered {answer.status}"
                raise Fault("status", message, status=answer.status, asked_s=asked)
            location = answer.headers.get("location")
            if verdict == "final" or ask.method != "GET" or not location:
                raise answer.refusal()
            ask = ask.redirected(location, self._loopback)
        raise HttpRejected(f"{ask.target.host} redirects without end", status=310)

    async def _exchange(self, ask: Ask) -> Answer:
        """Make one request, to addresses that were checked."""
        target = ask.target
        async with self._hosts.slot(target.host):
            addresses: tuple[str, ...] = ()
            if target.address is None and (target.is_local or not self._proxied):
                addresses = await self._hosts.addresses(target.host, target.port, self._timeout_s)
                check_addresses(target, map(ip_address, addresses))
            return await self._wire.exchange(ask, addresses)


class _Wire:
    """libcurl on the event loop; handles keep their connections and are used again."""

    def __init__(self, *, timeout_s: float, proxy: str | None, connections: int) -> None:
        self._timeout_ms = int(timeout_s * 1000)
        self._connect_ms = int(min(timeout_s, _MAX_CONNECT_S) * 1000)
        self._proxy = proxy or ""
        self._connections = connections
        self._multi: AsyncCurl | None = None
        self._idle: list[Curl] = []
        self._closed = False

    async def aclose(self) -> None:
        self._closed = True
        if self._multi is not None:
            await self._multi.close()
        while self._idle:
            self._idle.pop().close()

    async def exchange(self, ask: Ask, addresses: tuple[str, ...]) -> Answer:
        """Transfer one request and its answer.

        Raises:
            Fault: The transfer failed.
            TooLarge: The unpacked answer exceeds `ask.max_bytes`.
            Transient: The client is closed.
        """
        if self._closed:
            raise Transient("the HTTP client is closed")
        if self._multi is None:
            self._multi = AsyncCurl()
            self._multi.setopt(CurlMOpt.MAXCONNECTS, self._connections)  # pyright: ignore[reportUnknownMemberType]
        curl = self._idle.pop() if self._idle else Curl()
        try:
            intake = Intake(ask)
            self._prepare(curl, ask, addresses, intake)
            await self._multi.add_handle(curl)
            return intake.answer()
        except CurlError as error:
            raise _fault(ask, error, sent=bool(curl.getinfo(CurlInfo.REQUEST_SIZE))) from error
        finally:
            self._release(self._multi, curl)

    def _prepare(self, curl: Curl, ask: Ask, addresses: tuple[str, ...], intake: Intake) -> None:
        """Say everything about the request; what is not said here stays at libcurl's defaults."""
        target = ask.target
        curl.setopt(CurlOpt.URL, target.url)
        curl.setopt(CurlOpt.PROTOCOLS_STR, "http,https")
        curl.setopt(CurlOpt.NOSIGNAL, 1)
        curl.setopt(CurlOpt.CONNECTTIMEOUT_MS, self._connect_ms)
        curl.setopt(CurlOpt.TIMEOUT_MS, self._timeout_ms)
        curl.setopt(CurlOpt.ACCEPT_ENCODING, "gzip, deflate, br")
        # Said even if empty: libcurl would read the proxy from the environment.
        curl.setopt(CurlOpt.PROXY, "" if target.is_local else self._proxy)
        curl.setopt(CurlOpt.NOPROXY, "")
        curl.setopt(CurlOpt.HTTPHEADER, [f"{k}: {v}".encode() for k, v in ask.headers.items()])
        curl.setopt(CurlOpt.HEADERFUNCTION, intake.take_header)
        curl.setopt(CurlOpt.WRITEFUNCTION, intake.take_body)
        if addresses:
            # The name is not looked up again, so it cannot lead elsewhere than where was checked.
            curl.setopt(CurlOpt.RESOLVE, [f"{target.host}:{target.port}:{','.join(addresses)}"])
        if ask.body is not None:
            curl.setopt(CurlOpt.POST, 1)
            curl.setopt(CurlOpt.POSTFIELDS, ask.body)
            curl.setopt(CurlOpt.POSTFIELDSIZE, len(ask.body))
        if ask.once:
            # libcurl silently repeats a request, posts too, whose kept connection turns out dead.
            curl.setopt(CurlOpt.FRESH_CONNECT, 1)

    def _release(self, multi: AsyncCurl, curl: Curl) -> None:
        if self._closed:
            curl.close()
            return
        multi.remove_handle(curl)
        curl.clean_handles_and_buffers()
        curl.reset()
        self._idle.append(curl)


def _fault(ask: Ask, error: CurlError, *, sent: bool) -> Fault:
    kind = _FAULT_OF_CODE.get(int(error.code), "reset")
    words = {"unreachable": "cannot be reached", "timeout": "did not answer in time"}
    detail = f"{ask.target.host} {words.get(kind, 'broke the connection off')}"
    return Fault(kind, f"{detail} (curl {int(error.code)})", sent=sent)


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
