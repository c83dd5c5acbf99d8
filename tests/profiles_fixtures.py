"""Raw profiles for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from omni.connectors.types import RawPost, RawProfile

NOW = datetime(2025, 11, 22, 12, tzinfo=UTC)


def raw_profile(number: int = 1, **changes: Any) -> RawProfile:
    """Return somebody with everything that a profile can have, changed as asked."""
    fields: dict[str, Any] = {
        "platform": "synthetic",
        "platform_id": f"syn:{number}",
        "username": f"person.{number}",
        "display_name": f"Person {number}",
        "bio": "Potter in Lisbon. I make mugs from local clay and fire them with wood. #ceramics",
        "followers": 1_234,
        "follows": 321,
        "posts_count": 456,
        "created_at": datetime(2019, 5, 1, tzinfo=UTC),
        "accepts_messages": True,
        "image_urls": ("https://img.example/1.png?v=3",),
        "links": ("https://www.pots.example/shop",),
        "posts": (
            RawPost("Unloaded the kiln today. #woodfired", NOW - timedelta(days=1), 12, 3, 1),
            RawPost("New glaze tests, see https://blog.example/glaze", NOW - timedelta(days=8), 20),
        ),
    }
    return RawProfile(**(fields | changes))
