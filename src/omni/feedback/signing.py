"""Signed webhooks as they come in: whether a delivery is what its source has signed. Pure.

The scheme is that of Standard Webhooks (standardwebhooks.com): the header `webhook-signature` has
one or more of `v1,` and the base64 of an HMAC-SHA256 over
`{webhook-id}.{webhook-timestamp}.{body}`, under the secret that stands in base64 behind `whsec_`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from omni.base.errors import Unauthorized

PREFIX: Final = "whsec_"
TOLERANCE: Final = timedelta(minutes=5)
"""How far a time stamp may be from our clock, either way."""
MAX_ID: Final = 200
_MAX_SIGNATURES = 10


def written(secret: bytes) -> str:
    """Return a secret as people copy it."""
    return PREFIX + base64.b64encode(secret).decode("ascii")


def signature_of(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a delivery, with its version.

    Raises:
        ValueError: The secret is none.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def check_delivery(
    secret: str,
    *,
    delivery_id: str | None,
    timestamp: str | None,
    signatures: str | None,
    body: bytes,
    now: datetime,
) -> str:
    """Return the id of a delivery that is signed with this secret, and fresh.

    Raises:
        Unauthorized: A header is missing, the signature is wrong, or the time stamp is too far from
            our clock; the words say which.
    """
    if not delivery_id or len(delivery_id) > MAX_ID or not delivery_id.isprintable():
        raise Unauthorized(f"send the header webhook-id, 1 to {MAX_ID} characters")
    if not timestamp or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise Unauthorized("send the header webhook-timestamp, in seconds since 1970")
    if not signatures:
        raise Unauthorized("send the header webhook-signature: v1,BASE64")
    try:
        right = signature_of(secret, delivery_id, timestamp, body)
    except (ValueError, binascii.Error):
        raise Unauthorized("the source's secret is damaged: make the source anew") from None
    given = signatures.split()[:_MAX_SIGNATURES]
    if not any([hmac.compare_digest(right.encode(), each.encode()) for each in given]):  # noqa: C419
        raise Unauthorized("the signature is not that of this body under this source's secret")
    sent_at = datetime.fromtimestamp(int(timestamp), UTC) if int(timestamp) < 10**11 else None
    if sent_at is None or abs(now - sent_at) > TOLERANCE:
        minutes = TOLERANCE // timedelta(minutes=1)
        raise Unauthorized(
            f"webhook-timestamp is more than {minutes} minutes from this server's clock: "
            "sign the delivery anew"
        )
    return delivery_id
