"""What callers get of people: when they were looked at, and their pictures."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel


class ImageOut(BaseModel):
    """A picture of a person; `GET /images/{sha256}` gives it. Position 0 is the avatar."""

    position: int
    sha256: str
    content_type: str
    bytes: int


class PersonOut(BaseModel):
    """How current what we know of a person is.

    `changes_every_days` is estimated from the looks so far, and null before the first planned one;
    `refresh_at` is when another look will be worth its price.
    """

    profile_id: int
    platform: str
    platform_id: str
    last_seen: datetime
    gone: bool
    interest: Literal["stranger", "candidate", "lead"]
    changes_every_days: float | None
    refresh_at: datetime | None
    images: list[ImageOut]


class FreshnessOut(BaseModel):
    """How many people of one kind were looked at within the last hour, day and week."""

    interest: Literal["stranger", "candidate", "lead"]
    people: int
    hour: int
    day: int
    week: int


class RefreshPlatformOut(BaseModel):
    """What looks cost on a platform, and what the last run spent.

    `price` is what a look must be worth, in days of interest; `budget` the requests that a run may
    make; `cost` the requests for each person.
    """

    platform: str
    people: int
    price: float
    cost: float
    changes_every_days: float
    longest_days: float
    budget: int
    requests: int
    looked_at: int
    failed_batches: int
    ran_at: datetime
    next_due: datetime | None


class RefreshOut(BaseModel):
    """How fresh profiles are, as they were last counted, and what keeping them so costs."""

    freshness: list[FreshnessOut]
    counted_at: datetime | None
    platforms: list[RefreshPlatformOut]
