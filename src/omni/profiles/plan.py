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
class Met:
    """Those of a batch who were known before: the changed with their ids, the others' ids."""

    changed: tuple[tuple[int, Arranged], ...]
    unchanged: tuple[int, ...]


def sort_out(arranged: Sequence[Arranged], known: Iterable[Known]) -> Met:
    """Part those who are known into the changed and the unchanged."""
    in_order = sorted(known, key=lambda each: each.place)
    return Met(
        changed=tuple((k.profile_id, arranged[k.place]) for k in in_order if not k.same),
        unchanged=tuple(k.profile_id for k in in_order if k.same),
    )
