"""The one way out to the web: bounded, polite, says who it is, and goes to public hosts only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import msgspec

from omni.base.clock import Clock, utc_now
from omni.base.settings import Settings
from omni.connectors.addresses import Loopback, Params, origin_of, parse_target
from omni.connectors.authority import Authorizations
from omni.connectors.engine import Engine
from omni.connectors.exchange import Answer, Ask, HttpRejected, TooLarge
from omni.connectors.fetched import Fetched, Validators, read_content_type, validators_of
from omni.connectors.hosts import Hosts, Resolver, system_resolver
from omni.connectors.meter import Meter, meter
from omni.connectors.proxies import Proxies
from omni.connectors.retry import RetryPolicy
from omni.connectors.types import HostMetrics
from omni.connectors.wire import Wire

__all__ = [
    "Fetched",
    "HttpClient",
    "HttpRejected",
    "Meter",
    "RetryPolicy",
    "TooLarge",
    "Validators",
    "meter",
]

_T = TypeVar("_T")
_JSON = "application/json"


class HttpClient:
    """Makes requests for one event loop; close it with `aclose` or `async with`.

    Args:
        user_agent: Who we are; sent with every request.
        concurrency: The most requests in flight.
        per_host: The most requests in flight to one host; fewer where it shows strain.
        timeout_s: Bound of one try from connecting to the last byte. Seconds.
        max_bytes: Bound of an unpacked answer where the call sets none.
        proxies: URLs of HTTP or SOCKS proxies for everything that is not on this machine; the one
            with the most room is taken, and one that fails rests.
        per_proxy: The most requests at a time through one proxy.
        proxy_dns: Whether a proxy looks names up itself, where this machine cannot. Then only
            addresses that are written as such can be checked here.
        loopback: Whether this machine may be asked: never, always, or for these origins only.
        policy: How often and how long to retry.
        clock: Tells the time of day, for dates in headers.
        rng: The source of jitter.
        resolver: Finds the addresses of a host.
        ca_file: Certificates of the authorities to trust, PEM; the system's own if None.
        authorizations: What to say to GETs below these prefixes whose callers say nothing; see
            `authority`.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        concurrency: int = 16,
        per_host: int = 8,
        timeout_s: float = 20.0,
        max_bytes: int = 8_000_000,
        proxies: Sequence[str] = (),
        per_proxy: int = 16,
        proxy_dns: bool = False,
        loopback: Loopback = False,
        policy: RetryPolicy | None = None,
        clock: Clock = utc_now,
        rng: Random | None = None,
        resolver: Resolver = system_resolver,
        ca_file: str | None = None,
        authorizations: Mapping[str, str] | None = None,
    ) -> None:
        self._headers = {"User-Agent": user_agent}
        self._authorizations = Authorizations(authorizations or {})
        self._max_bytes = max_bytes
        self._loopback = loopback
        self._hosts = Hosts(concurrency=concurrency, per_host=per_host, resolver=resolver)
        self._proxies = Proxies(proxies, places=per_proxy)
        self._wire = Wire(timeout_s=timeout_s, connections=concurrency, ca_file=ca_file)
        self._engine = Engine(
            hosts=self._hosts,
            wire=self._wire,
            policy=policy or RetryPolicy(),
            loopback=loopback,
            proxies=self._proxies,
            proxy_dns=proxy_dns,
            timeout_s=timeout_s,
            clock=clock,
            rng=rng or Random(),  # noqa: S311 - jitter, not a secret
        )

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        base_urls: Collection[str] = (),
        authorizations: Mapping[str, str] | None = None,
    ) -> Self:
        """Build the client that a process uses.

        Args:
            settings: Everything that a user may set.
            base_urls: Base URLs of the configured platforms. Those on this machine may be asked;
                nothing else on it may, so that a profile's picture cannot point at its services.
            authorizations: As for the client itself.
        """
        return cls(
            user_agent=settings.user_agent,
            concurrency=settings.http_concurrency,
            per_host=settings.http_per_host,
            timeout_s=settings.http_timeout_s,
            max_bytes=settings.http_max_bytes,
            proxies=settings.proxy_urls,
            per_proxy=settings.http_per_proxy,
            proxy_dns=settings.http_proxy_dns,
            ca_file=str(settings.http_ca_file) if settings.http_ca_file else None,
            loopback=frozenset(origin_of(url) for url in base_urls),
            authorizations=authorizations,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; requests in flight fail."""
        await self._wire.aclose()

    def metrics(self) -> tuple[HostMetrics, ...]:
        """Return how each host does, the most asked first, at most 200."""
        return self._hosts.metrics()

    def proxy_metrics(self) -> tuple[HostMetrics, ...]:
        """Return how each proxy does, in the order of the settings."""
        return self._proxies.metrics(asyncio.get_running_loop().time())

    async def get_json(
        self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the JSON value at `url`.

        Raises:
            HttpRejected: The server refused for good: 4xx, or redirects without end.
            TooLarge: The answer exceeds the client's bound.
            Rejected: The URL, or where it leads, must not be asked.
            Transient: No good answer within the bounded retries, or the host has failed so often
                that it rests; `retry_after` if it is known when to come back.
        """
        return await self._send("GET", url, Answer.json, params, {"Accept": _JSON}, headers)

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
            accept: The media types that the answer may have: `image/png`, `image/*`, `*/*`, or
                several with commas between them.
            headers: Added to the client's own.

        Raises:
            HttpRejected: As in `get_json`, or the answer is of another type.
            TooLarge, Rejected, Transient: As in `get_json`.
        """

        def read(answer: Answer) -> bytes:
            return answer.bytes_of_type(accept)

        known = {"Accept": accept}
        return await self._send("GET", url, read, None, known, headers, max_bytes=max_bytes)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        accept: str = "*/*",
        max_bytes: int | None = None,
        validators: Validators | None = None,
        follow: bool = True,
    ) -> Fetched:
        """Return the answer at `url`, or that it has not changed since `validators` were given.

        Args:
            url: Where from.
            headers: Added to the client's own.
            params: Added to the query.
            accept: As in `get_bytes`. `application/json` asks for JSON by any name: whatever can be
                read as such is taken, and what cannot is tried again.
            max_bytes: As in `get_bytes`.
            validators: Those of the last answer; it is asked for only if it has changed.
            follow: Whether redirects are followed.

        Raises:
            Moved: It is a redirect, which is not to be followed.
            HttpRejected, TooLarge, Rejected, Transient: As in `get_bytes`.
        """

        def read(answer: Answer) -> Fetched:
            return _fetched(answer, accept, validators)

        known = {"Accept": accept} | (validators.headers() if validators else {})
        return await self._send(
            "GET", url, read, params, known, headers,
            max_bytes=max_bytes, conditional=bool(validators), follow=follow,
        )  # fmt: skip

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
        body = msgspec.json.encode(json)
        return await self._write("POST", url, body, _JSON, params, headers, retry=retry)

    async def put_json(
        self,
        url: str,
        *,
        json: object,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
    ) -> Any:
        """Put `json`; everything else is as in `post_json`.

        A URL that names the act (Matrix' transaction ids) makes it safe to try again.

        Raises:
            HttpRejected, TooLarge, Rejected, Transient, Ambiguous: As in `post_json`.
        """
        body = msgspec.json.encode(json)
        return await self._write("PUT", url, body, _JSON, params, headers, retry=retry)

    async def post_form(
        self,
        url: str,
        *,
        form: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
    ) -> Any:
        """Post a form, as OAuth's token endpoints want it; everything else is as in `post_json`.

        Raises:
            HttpRejected, TooLarge, Rejected, Transient, Ambiguous: As in `post_json`.
        """
        body = urlencode(form).encode()
        kind = "application/x-www-form-urlencoded"
        return await self._write("POST", url, body, kind, None, headers, retry=retry)

    async def hand_over(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> Any:
        """Post a JSON body once, as it is, to whoever answers as they like.

        Returns:
            The JSON value of the answer; None where it is something else.

        Raises:
            HttpRejected, Rejected: As in `get_json`.
            Transient, Ambiguous: As in `post_json` without `retry`.
        """
        known = {"Accept": f"{_JSON}, */*", "Content-Type": _JSON}
        return await self._send(
            "POST", url, Answer.json_if_any, None, known, headers, body=body, once=True
        )

    async def _write(
        self,
        method: str,
        url: str,
        body: bytes,
        content_type: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        *,
        retry: bool,
    ) -> Any:
        known = {"Accept": _JSON, "Content-Type": content_type}
        return await self._send(
            method, url, Answer.json_or_nothing, params, known, headers, body=body, once=not retry
        )

    async def _send(
        self,
        method: str,
        url: str,
        read: Callable[[Answer], _T],
        params: Params | None,
        known: Mapping[str, str],
        headers: Mapping[str, str] | None,
        *,
        body: bytes | None = None,
        max_bytes: int | None = None,
        once: bool = False,
        conditional: bool = False,
        follow: bool = True,
    ) -> _T:
        target = parse_target(url, params, loopback=self._loopback)
        allowed = self._authorizations.headers(method, target.url)
        ask = Ask(
            method=method,
            target=target,
            headers={**self._headers, **allowed, **known, **(headers or {})},
            body=body,
            max_bytes=self._max_bytes if max_bytes is None else max_bytes,
            once=once,
            conditional=conditional,
            follow=follow,
        )
        return await self._engine.run(ask, read)


def _fetched(answer: Answer, accept: str, known: Validators | None) -> Fetched:
    media_type, charset = read_content_type(answer.headers.get("content-type", ""))
    unchanged = answer.status == 304
    parsed: Any = None
    if accept == _JSON and not unchanged:
        parsed = answer.json()
    elif not unchanged:
        answer.bytes_of_type(accept)
    return Fetched(
        status="not_modified" if unchanged else "ok",
        url=answer.url,
        headers=answer.headers,
        body=answer.body,
        validators=validators_of(answer.headers, known if unchanged else None),
        content_type=media_type,
        charset=charset,
        parsed=parsed,
    )
