"""How a call looks, and what follows from how it went: Standard Webhooks, decided from values.

https://www.standardwebhooks.com: the headers `webhook-id`, `webhook-timestamp` (Unix seconds) and
`webhook-signature`, which is `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`; the
secret is `whsec_` and the base64 of the key.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from omni.base.errors import Rejected
from omni.webhooks.types import Call, EventKind, Outcome

PREFIX = "whsec_"
KEY_BYTES = 32

WAITS: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=12),
    timedelta(hours=18),
    timedelta(hours=24),
)
"""Between two tries of a delivery, before jitter: three days in all."""

JITTER = 0.25
"""The most that a wait is longer, as a share of it."""

LONGEST_WAIT = timedelta(hours=24)
"""Whatever an endpoint asks for."""

DISABLED_AFTER = timedelta(days=3)
"""An endpoint at which every call has failed for so long gets no more."""

MAX_URL = 2_000
MAX_ERROR = 300


def secret_of(key: bytes) -> str:
    """Return a key in the form in which its user is shown it, once."""
    return PREFIX + b64encode(key).decode()


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """Return what `webhook-signature` says."""
    key = b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{b64encode(signed.digest()).decode()}"


def headers_of(secret: str, event_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a call that is made now."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, event_id, timestamp, body),
    }


def body_of(kind: EventKind, occurred_at: datetime, data: Mapping[str, object]) -> bytes:
    """Return the body of a call: the same bytes each time while its row is the same."""
    told = {"type": kind, "timestamp": occurred_at.isoformat(), "data": dict(data)}
    return msgspec.json.encode(told)


def check_url(url: str) -> str:
    """Return an endpoint's URL. Where it leads is looked at with each call, when names resolve.

    Raises:
        Rejected: It is none, is not http(s), is http to another machine, or carries a password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > MAX_URL:
        raise Rejected("is not an http or https address", field="url")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise Rejected("plain http is for this machine only: use https", field="url")
    if parts.username or parts.password or parts.fragment:
        raise Rejected("must have no password and no fragment: calls are signed", field="url")
    return url.strip()


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def taken() -> Outcome:
    """The endpoint took it."""
    return Outcome("delivered")


def gone() -> Outcome:
    """There is nothing to tell any more."""
    return Outcome("dropped", "what it was about is gone")


def failed(
    call: Call,
    error: str,
    *,
    now: datetime,
    roll: float,
    retry_after: float | None = None,
    gone_for_good: bool = False,
) -> Outcome:
    """The endpoint did not take it: try again later, or give up.

    Args:
        roll: A random number from 0 to 1.
        retry_after: Seconds that the endpoint asked for.
        gone_for_good: It answered 410, which says that it wants no more.
    """
    told = error[:MAX_ERROR]
    if gone_for_good:
        return Outcome("failed", told, disable="it answered 410: it wants no more")
    disable = None
    if call.failing_since is not None and now - call.failing_since >= DISABLED_AFTER:
        disable = f"every call has failed for {DISABLED_AFTER.days} days: {told}"
    if disable is not None or call.attempt > len(WAITS):
        return Outcome("failed", told, disable=disable)
    asked = min(timedelta(seconds=max(retry_after or 0.0, 0.0)), LONGEST_WAIT)
    wait = max(WAITS[call.attempt - 1], asked)
    return Outcome("pending", told, again_in=wait * (1 + JITTER * roll))
