"""Identifiers: random where nothing is known, derived where the same work must get the same id."""

from __future__ import annotations

from uuid import UUID, uuid4, uuid5

_NAMESPACE = UUID("6f6d6e69-0000-5000-8000-6a6f62730000")


def new_id() -> UUID:
    """Return a random id."""
    return uuid4()


def derived_id(key: str) -> UUID:
    """Return the id that `key` always gets (UUID version 5, RFC 9562)."""
    return uuid5(_NAMESPACE, key)
