"""What a batch of raw profiles means for the tables: decided from values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from omni.connectors.types import RawProfile
from omni.profiles.payload import content_hash, payload_of, tidy


@dataclass(frozen=True, slots=True)
class Arranged:
    """A tidy profile, ready to be compared with what is stored.

    Attributes:
        payload: JSON text.
    """

    profile: RawProfile
    payload: str
    content_hash: str

    @property
    def key(self) -> tuple[str, str]:
        """Who it is: platform and immutable id."""
        return self.profile.platform, self.profile.platform_id


def arrange(profiles: Iterable[RawProfile]) -> list[Arranged]:
    """Return the profiles tidied, in the order of their keys, each person once: the last one wins.

    Those of whom it cannot be told who they are, and those who do not want to be found, are left
    out.
    """
    tidied = filter(None, map(tidy, profiles))
    last = {(p.platform, p.platform_id): p for p in tidied}
    return [_arranged(last[key]) for key in sorted(last) if last[key].discoverable]


def _arranged(profile: RawProfile) -> Arranged:
    payload = payload_of(profile)
    return Arranged(profile, msgspec.json.encode(payload).decode(), content_hash(payload))


@dataclass(frozen=True, slots=True)
class Known:
    """What the table says of one of the arranged: `place` is its index among them."""

    place: int
    profile_id: int
    same: bool


@dataclass(frozen=True, slots=True)
class Sorted:
    """The arranged, by what is to be done with them."""

    new: tuple[Arranged, ...]
    changed: tuple[tuple[int, Arranged], ...]
    unchanged: tuple[int, ...]


def sort_out(arranged: Sequence[Arranged], known: Iterable[Known]) -> Sorted:
    """Part the batch into new people, changed ones (with their ids) and the ids of the others."""
    by_place = {each.place: each for each in known}
    return Sorted(
        new=tuple(a for place, a in enumerate(arranged) if place not in by_place),
        changed=tuple(
            (each.profile_id, arranged[place])
            for place, each in sorted(by_place.items())
            if not each.same
        ),
        unchanged=tuple(each.profile_id for each in by_place.values() if each.same),
    )
