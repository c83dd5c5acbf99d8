"""One HTTP exchange as values: what is asked, what came back, how it failed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from urllib.parse import urljoin

import msgspec

from omni.base.errors import Rejected
from omni.connectors.addresses import Loopback, Target, parse_target
from omni.connectors.fetched import fits_media_type, read_content_type

FaultKind = Literal[
    "unreachable", "timeout", "reset", "garbage", "status", "proxy", "paused", "open"
]

MAX_HEADER_BYTES = 65_536
"""The most bytes of headers that an answer may have, all its redirects' and informational ones."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")
_KEPT_ACROSS_ORIGINS = frozenset({"user-agent", "accept", "accept-language"})


class HttpRejected(Rejected):
    """The server refused the request for good.

    Args:
        message: One line for people.
        status: The HTTP status.
        body: The answer's JSON, where it was JSON.
    """

    def __init__(self, message: str, *, status: int, body: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body

    @property
    def code(self) -> str | None:
        """The error's name in the answer, such as `InvalidToken` (XRPC's `error`)."""
        return _text_in(self.body, "error")

    @property
    def reason(self) -> str | None:
        """The error in the server's own words (XRPC's `message`)."""
        return _text_in(self.body, "message")


class Moved(HttpRejected):
    """The answer was a redirect, and the caller wants to decide on it itself.

    Args:
        url: Where it leads: absolute, and one that may be asked.
        status: The HTTP status.
    """

    def __init__(self, url: str, *, status: int) -> None:
        super().__init__(f"moved to {url[:200]}", status=status)
        self.url = url


class TooLarge(Rejected):
    """The answer is larger, unpacked, than the caller takes."""


class Fault(Exception):
    """One try that failed and might do better later.

    Args:
        kind: What happened; with `paused` (the host asked us to wait) and `open` (it failed so
            often that it rests) nobody was asked, with `proxy` the proxy failed, not the host.
        detail: One line for people, host included.
        status: The HTTP status, if there was an answer.
        asked_s: Seconds that the server asked us to wait, if it did.
        sent: Whether the request, or a part of it, may have reached the server.
    """

    def __init__(
        self,
        kind: FaultKind,
        detail: str,
        *,
        status: int | None = None,
        asked_s: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(detail)
        self.kind: FaultKind = kind
        self.status = status
        self.asked_s = asked_s
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        max_bytes: Bound of the unpacked answer.
        once: Must reach the server at most once.
        conditional: Whether "not modified" is an answer to it.
        follow: Whether redirects are followed; else they raise `Moved`.
    """

    method: str
    target: Target
    headers: Mapping[str, str]
    body: bytes | None
    max_bytes: int
    once: bool = False
    conditional: bool = False
    follow: bool = True

    def __post_init__(self) -> None:
        """Refuse headers that would end early and begin another.

        Raises:
            Rejected: A name or value holds control characters.
        """
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise Rejected(f"not a header: {name[:50]!r}")

    @property
    def limit_key(self) -> tuple[str, str]:
        """Whom a rate limit concerns: the host, and the account that is asking."""
        given = (v for k, v in self.headers.items() if k.lower() == "authorization")
        return self.target.authority, next(given, "")

    def redirected(self, location: str, loopback: Loopback) -> Ask:
        """Return the request that a redirect leads to; credentials stay with their origin.

        Raises:
            Rejected: It leads where requests must not go.
        """
        try:
            url = urljoin(self.target.url, location)
        except ValueError as error:
            raise Rejected(f"{self.target.host} redirects to what is no URL") from error
        target = parse_target(url, loopback=loopback)
        if target.origin == self.target.origin:
            return replace(self, target=target)
        kept = {k: v for k, v in self.headers.items() if k.lower() in _KEPT_ACROSS_ORIGINS}
        return replace(self, target=target, headers=kept)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names are in lower case, `url` is the one that answered."""

    url: str
    host: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            Fault: It is not JSON.
        """
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = f"{self.host} answered {self.status} with something that is not JSON"
            raise Fault("garbage", message, status=self.status) from error

    def json_or_nothing(self) -> Any:
        """Return the body as JSON, None if there is no body.

        Raises:
            Fault: It is not JSON.
        """
        return self.json() if self.body.strip() else None

    def json_if_any(self) -> Any:
        """Return the body as JSON, None if it is anything else."""
        try:
            return self.json_or_nothing()
        except Fault:
            return None

    def bytes_of_type(self, accept: str) -> bytes:
        """Return the body if its media type is one that `accept` means.

        Args:
            accept: Such as `image/png`, `image/*`, `*/*`, or several with commas between them.

        Raises:
            HttpRejected: It is of another type.
        """
        found, _ = read_content_type(self.headers.get("content-type", ""))
        if not fits_media_type(found, accept):
            message = f"{self.host} sent {found[:100] or 'an unnamed type'}, not {accept}"
            raise HttpRejected(message, status=self.status)
        return self.body

    def refusal(self) -> HttpRejected:
        """Return the error that this answer is, with the server's reason if it names one."""
        body = self.json_if_any()
        reasons = [r for r in (_text_in(body, "error"), _text_in(body, "message")) if r]
        message = f"{self.host} answered {self.status}"
        return HttpRejected(
            f"{message}: {', '.join(reasons)}" if reasons else message,
            status=self.status,
            body=body,
        )


class HeaderIntake:
    """Collects header lines while they arrive."""

    __slots__ = ("_host", "_size", "lines")

    def __init__(self, host: str) -> None:
        self._host = host
        self._size = 0
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Take a line.

        Raises:
            TooLarge: Ends the transfer.
        """
        self._size += len(line)
        if self._size > MAX_HEADER_BYTES:
            raise TooLarge(f"{self._host} sent more than {MAX_HEADER_BYTES} bytes of headers")
        self.lines.append(line)


class Intake:
    """Collects an answer while it arrives, and stops it where it grows too large.

    Attributes:
        head: Takes the header lines.
        size: Bytes of the unpacked body so far, those that were too many included.
    """

    __slots__ = ("_ask", "_chunks", "head", "size")

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._chunks: list[bytes] = []
        self.head = HeaderIntake(ask.target.host)
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Take a piece of the unpacked body.

        Raises:
            TooLarge: Ends the transfer.
        """
        self.size += len(chunk)
        if self.size > self._ask.max_bytes:
            raise TooLarge(f"{self._ask.target.host} sent more than {self._ask.max_bytes} bytes")
        self._chunks.append(chunk)

    def answer(self) -> Answer:
        """Return what was collected.

        Raises:
            Fault: The transfer ended before there was an answer.
        """
        target = self._ask.target
        status, headers = read_head(self.head.lines)
        if not status:
            raise Fault("reset", f"{target.host} did not answer")
        return Answer(target.url, target.host, status, headers, b"".join(self._chunks))


def read_head(lines: Sequence[bytes]) -> tuple[int, dict[str, str]]:
    """Return status and headers of an answer, names in lower case.

    A status line begins the headers anew: before the answer there may have been others, such as
    100 or a proxy's own. The values of a name that comes several times have commas between them.

    Returns:
        0 as the status where there is none.
    """
    status = 0
    headers: dict[str, str] = {}
    for line in lines:
        if line.startswith(b"HTTP/") and (status_line := _STATUS_LINE.match(line)):
            headers.clear()
            status = int(status_line[1])
            continue
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            key, text = name.strip().lower(), value.strip()
            known = headers.get(key)
            headers[key] = text if known is None else f"{known}, {text}"
    return status, headers


def _text_in(body: object, name: str) -> str | None:
    if not isinstance(body, dict):
        return None
    value = cast("dict[str, Any]", body).get(name)
    return value[:200] if isinstance(value, str) else None
