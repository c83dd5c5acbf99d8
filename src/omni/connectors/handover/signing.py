"""Signs what is handed over, as https://www.standardwebhooks.com says. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

PREFIX = "whsec_"


def signature_headers(secret: str, name: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers by which a receiver knows who sent this, and when.

    Args:
        secret: The account's; where it begins with `whsec_`, base64 of the key follows.
        name: The message's own, the same whenever it is handed over: by it receivers take nothing
            twice.
        body: Exactly what is sent.
        now: The present moment; receivers refuse what is minutes old.
    """
    stamp = str(int(now.timestamp()))
    signed = b".".join((name.encode(), stamp.encode(), body))
    mac = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _key(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
