"""API keys: 256 random bits to the caller, their SHA-256 to the database."""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "omni_"
_TOKEN = re.compile(r"omni_[A-Za-z0-9_-]{43}")
_SHOWN = 4


def new_token() -> str:
    """Return a new secret: `omni_` and 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is stored of a token. A plain digest does: there is nothing to guess from."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def hint_of(token: str) -> str:
    """Return how a token begins: enough to know it again, and no help to whoever guesses."""
    return token[: len(PREFIX) + _SHOWN]


def read_bearer(header: str) -> str | None:
    """Return the token of an `Authorization` header; None if it does not look like one of ours."""
    scheme, _, token = header.partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and _TOKEN.fullmatch(token) else None
