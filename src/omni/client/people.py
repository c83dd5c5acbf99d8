"""Calls about people: how current they are, and their pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence

from omni.api.schemas.people import PersonOut, RefreshOut
from omni.client.calls import Calls


class PeopleCalls(Calls):
    """People, pictures, freshness."""

    async def person(self, profile_id: int) -> PersonOut:
        """Return how current what is known of a person is."""
        return await self._get(PersonOut, f"/profiles/{profile_id}")

    async def avatars(self, profile_ids: Sequence[int]) -> dict[int, str]:
        """Return the SHA-256 of the avatar of each of these people (200 at most) who has one."""
        if not profile_ids:
            return {}
        query = "&".join(f"profile_id={int(each)}" for each in profile_ids)
        found = json.loads(await self._transport.get(f"/avatars?{query}"))
        return {int(person): str(sha256) for person, sha256 in found.items()}

    async def image(self, sha256: str) -> bytes:
        """Return a picture: always WebP."""
        return await self._transport.get(f"/images/{sha256}")

    async def refresh(self) -> RefreshOut:
        """Return how fresh profiles are, and what a look costs."""
        return await self._get(RefreshOut, "/refresh")
