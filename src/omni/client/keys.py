"""Calls about API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from omni.api.schemas import Page
from omni.api.schemas.keys import KeyMade, KeyOut
from omni.client.calls import Calls, given


class KeyCalls(Calls):
    """Who may call the API, and what for."""

    async def create_key(
        self,
        name: str,
        *,
        scopes: Sequence[str] | None = None,
        expires_at: datetime | None = None,
    ) -> KeyMade:
        """Make a key, to read and to write if no scopes are given; only the answer has its secret.

        It is sent once, and never again by itself: a second time would make a second key.
        """
        body = given(
            name=name,
            scopes=None if scopes is None else list(scopes),
            expires_at=None if expires_at is None else expires_at.isoformat(),
        )
        return await self._send(KeyMade, "POST", "/keys", body)

    async def list_keys(self) -> list[KeyOut]:
        """Return all keys, the oldest first, closed ones included."""
        return (await self._get(Page[KeyOut], "/keys")).items

    async def revoke_key(self, key_id: str, *, idempotency_key: str | None = None) -> KeyOut:
        """Close a key for ever."""
        return await self._send(KeyOut, "POST", f"/keys/{key_id}/revoke", None, idempotency_key)
