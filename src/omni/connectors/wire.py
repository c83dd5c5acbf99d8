"""libcurl on the event loop: the one file that knows it. Handles keep their connections."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportPrivateUsage=false
# (one option is set through the library's own C layer, which has no types)

from __future__ import annotations

from typing import Any

from curl_cffi import AsyncCurl, Curl, CurlECode, CurlError, CurlInfo, CurlMOpt, CurlOpt
from curl_cffi._wrapper import ffi, lib

from omni.base.errors import Transient
from omni.connectors.addresses import Target, bracketed
from omni.connectors.exchange import Answer, Ask, Fault, FaultKind, Intake

_MAX_CONNECT_S = 10.0
_FAULT_OF_CODE: dict[int, FaultKind] = {
    CurlECode.COULDNT_RESOLVE_PROXY: "proxy",
    CurlECode.COULDNT_RESOLVE_HOST: "unreachable",
    CurlECode.COULDNT_CONNECT: "unreachable",
    CurlECode.SSL_CONNECT_ERROR: "unreachable",
    CurlECode.PEER_FAILED_VERIFICATION: "unreachable",
    CurlECode.PROXY: "proxy",
    CurlECode.OPERATION_TIMEDOUT: "timeout",
    CurlECode.BAD_CONTENT_ENCODING: "garbage",
    CurlECode.UNSUPPORTED_PROTOCOL: "garbage",
    CurlECode.WEIRD_SERVER_REPLY: "garbage",
}
_WORDS: dict[FaultKind, str] = {
    "unreachable": "cannot be reached",
    "timeout": "did not answer in time",
    "garbage": "answered with something that cannot be read",
    "proxy": "cannot be reached through the proxy",
}


class Wire:
    """Transfers requests; belongs to the event loop that it is first used on.

    Args:
        timeout_s: Bound of a transfer from connecting to the last byte. Seconds.
        connections: The most idle connections that are kept.
        ca_file: Certificates of the authorities to trust, PEM; the system's own if None.
    """

    def __init__(self, *, timeout_s: float, connections: int, ca_file: str | None = None) -> None:
        self._timeout_ms = int(timeout_s * 1000)
        self._connect_ms = int(min(timeout_s, _MAX_CONNECT_S) * 1000)
        self._connections = connections
        self._ca_file = ca_file or ""
        self._multi: AsyncCurl | None = None
        self._idle: list[Curl] = []
        self._chains: dict[Curl, Any] = {}
        self._closed = False

    async def aclose(self) -> None:
        """Close all connections; transfers under way fail."""
        self._closed = True
        if self._multi is not None:
            await self._multi.close()
        while self._idle:
            self._idle.pop().close()

    async def exchange(
        self, ask: Ask, intake: Intake, addresses: tuple[str, ...], proxy: str
    ) -> Answer:
        """Transfer one request and its answer.

        Args:
            ask: The request.
            intake: Takes the answer.
            addresses: Those of the host; the name is not looked up where there are some.
            proxy: URL of the proxy to go through, empty for none.

        Raises:
            Fault: The transfer failed.
            TooLarge: The answer exceeds the request's bound.
            Transient: The client is closed.
        """
        if self._closed:
            raise Transient("the HTTP client is closed")
        if self._multi is None:
            self._multi = AsyncCurl()
            self._multi.setopt(CurlMOpt.MAXCONNECTS, self._connections)
        curl = self._idle.pop() if self._idle else self._dressed(Curl(self._ca_file))
        try:
            self._prepare(curl, ask, intake, addresses, proxy)
            await self._multi.add_handle(curl)
            return intake.answer()
        except CurlError as error:
            raise _fault(ask, curl, error, proxied=bool(proxy)) from error
        finally:
            # A plain one set nothing but what every request sets: a reset would only cost time.
            plain = ask.method == "GET" and not (proxy or addresses or ask.once)
            self._release(self._multi, curl, plain=plain)

    def _dressed(self, curl: Curl) -> Curl:
        """Say what all requests have in common; what is not said stays at libcurl's defaults."""
        curl.setopt(CurlOpt.PROTOCOLS_STR, "http,https")
        curl.setopt(CurlOpt.NOSIGNAL, 1)
        curl.setopt(CurlOpt.CONNECTTIMEOUT_MS, self._connect_ms)
        curl.setopt(CurlOpt.TIMEOUT_MS, self._timeout_ms)
        curl.setopt(CurlOpt.ACCEPT_ENCODING, "gzip, deflate, br")
        # Said although they are empty: libcurl would read the proxy from the environment.
        curl.setopt(CurlOpt.PROXY, "")
        curl.setopt(CurlOpt.NOPROXY, "")
        return curl

    def _prepare(
        self, curl: Curl, ask: Ask, intake: Intake, addresses: tuple[str, ...], proxy: str
    ) -> None:
        """Say what is this request's own."""
        target = ask.target
        curl.setopt(CurlOpt.URL, target.url)
        curl.setopt(CurlOpt.HTTPHEADER, [f"{k}: {v}".encode() for k, v in ask.headers.items()])
        curl.setopt(CurlOpt.HEADERDATA, intake.head)
        curl.setopt(CurlOpt.WRITEDATA, intake)
        if proxy:
            curl.setopt(CurlOpt.PROXY, proxy)
        if addresses:
            # The name is not looked up again, so it cannot lead elsewhere than where was checked.
            self._pin(curl, target, addresses, through_proxy=bool(proxy))
        if ask.method != "GET":
            curl.setopt(CurlOpt.CUSTOMREQUEST, ask.method)
            body = ask.body or b""
            curl.setopt(CurlOpt.POSTFIELDS, body)
            curl.setopt(CurlOpt.POSTFIELDSIZE, len(body))
        if ask.once:
            # libcurl silently repeats a request, posts too, whose kept connection turns out dead.
            curl.setopt(CurlOpt.FRESH_CONNECT, 1)

    def _pin(
        self, curl: Curl, target: Target, addresses: tuple[str, ...], *, through_proxy: bool
    ) -> None:
        place = f"{bracketed(target.host)}:{target.port}:"
        if not through_proxy:
            curl.setopt(CurlOpt.RESOLVE, [place + ",".join(addresses)])
            return
        # The proxy is told the address; certificates are still checked against the name.
        # curl_cffi's `setopt` does not know this option's type, which is that of RESOLVE.
        pinned = f"{place}{bracketed(addresses[0])}:{target.port}".encode()
        chain = lib.curl_slist_append(ffi.NULL, pinned)
        self._chains[curl] = chain
        lib._curl_easy_setopt(curl._curl, CurlOpt.CONNECT_TO, chain)

    def _release(self, multi: AsyncCurl, curl: Curl, *, plain: bool) -> None:
        """Keep the handle for the next request, with nothing of this one on it."""
        if self._closed:
            curl.close()
            return
        multi.remove_handle(curl)
        curl.clean_handles_and_buffers()
        if chain := self._chains.pop(curl, None):
            lib.curl_slist_free_all(chain)
        if not plain:
            curl.reset()
            self._dressed(curl)
        self._idle.append(curl)


def _fault(ask: Ask, curl: Curl, error: CurlError, *, proxied: bool) -> Fault:
    kind = _FAULT_OF_CODE.get(int(error.code), "reset")
    if proxied and _is_the_proxys(curl, kind):
        kind = "proxy"
    detail = f"{ask.target.host} {_WORDS.get(kind, 'broke the connection off')}"
    sent = bool(curl.getinfo(CurlInfo.REQUEST_SIZE))
    return Fault(kind, f"{detail} (curl {int(error.code)})", sent=sent)


def _is_the_proxys(curl: Curl, kind: FaultKind) -> bool:
    """Tell whether a transfer failed before the proxy had made the tunnel."""
    answer = int(curl.getinfo(CurlInfo.HTTP_CONNECTCODE) or 0)  # pyright: ignore[reportArgumentType]
    if answer:
        return not 200 <= answer < 300
    return kind != "garbage"
