"""The proxies that requests go out through: each with places and health. Time is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from omni.base.errors import Rejected
from omni.connectors.exchange import Fault
from omni.connectors.gate import Gate
from omni.connectors.types import HostMetrics, HostState

FIRST_REST_S = 1.0
LONGEST_REST_S = 300.0
_SCHEMES = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})


class Proxy:
    """One proxy.

    Args:
        url: Where it is; a user name and a password may be in it, and are never shown.
        places: The most requests through it at a time.
    """

    __slots__ = ("failures", "gate", "name", "rest_until", "rests", "tunnels", "url")

    def __init__(self, url: str, places: int) -> None:
        self.url = url
        self.name = _name_of(url)
        self.gate = Gate(places)
        self.rests = 0
        self.rest_until = 0.0
        self.tunnels = self.failures = 0

    def worked(self) -> None:
        """Note that it made a tunnel: whatever came through it then is the host's affair."""
        self.tunnels += 1
        self.rests = 0
        self.rest_until = 0.0

    def failed(self, began: float, now: float) -> None:
        """Let it rest, twice as long each time; requests older than its last rest do not count."""
        self.failures += 1
        if began < self.rest_until:
            return
        rest_s = min(FIRST_REST_S * 2.0**self.rests, LONGEST_REST_S)
        self.rests = min(self.rests + 1, 20)
        self.rest_until = now + rest_s


class Proxies:
    """The proxies of one client; there may be none.

    Args:
        urls: Where they are.
        places: The most requests through each at a time.
    """

    def __init__(self, urls: Sequence[str], *, places: int) -> None:
        self._all = tuple(Proxy(url, places) for url in dict.fromkeys(urls))

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._all)

    def choose(self, now: float) -> Proxy:
        """Return the proxy with the most room, of those that do not rest.

        Raises:
            Fault: All rest.
        """
        awake = [proxy for proxy in self._all if proxy.rest_until <= now]
        if not awake:
            wait = min(proxy.rest_until for proxy in self._all) - now
            raise Fault("proxy", "every proxy failed and rests", asked_s=wait, sent=False)
        return min(awake, key=lambda proxy: proxy.gate.held + proxy.gate.waiting)

    def metrics(self, now: float) -> tuple[HostMetrics, ...]:
        """Return how each does, in the order of the settings."""
        return tuple(_metrics(proxy, now) for proxy in self._all)


def _metrics(proxy: Proxy, now: float) -> HostMetrics:
    rest_s = max(0.0, proxy.rest_until - now)
    state: HostState = "open" if rest_s else "half_open" if proxy.rests else "ok"
    return HostMetrics(
        host=proxy.name,
        state=state,
        requests=proxy.tunnels + proxy.failures,
        limited=0,
        bytes_in=0,
        errors={"proxy": proxy.failures} if proxy.failures else {},
        last_error="proxy" if proxy.rests else None,
        p50_ms=None,
        p95_ms=None,
        in_flight=proxy.gate.held,
        waiting=proxy.gate.waiting,
        concurrency=proxy.gate.places,
        rate_limit=None,
        rate=0.0,
        next_try_s=rest_s,
        is_proxy=True,
    )


def _name_of(url: str) -> str:
    """Return host and port.

    Raises:
        Rejected: Not the URL of a proxy.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = None
    if parts is None or parts.scheme not in _SCHEMES or not host:
        raise Rejected(
            "a proxy is a URL such as http://127.0.0.1:3128 or socks5://127.0.0.1:1080",
            field="OMNI_HTTP_PROXIES",
        )
    return f"{host}:{port}" if port else host
