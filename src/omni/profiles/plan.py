"""What a batch of raw profiles means for the tables: decided from values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from omni.connectors.types import RawProfile
from omni.profiles.enrich import enrich, enrich_all
from omni.profiles.payload import content_hash, encode_payload, tidy
from omni.profiles.types import Features, Key


class Arranged(msgspec.Struct, frozen=True):
    """A tidy profile, ready to be compared with what is stored.

    Attributes:
        key: Who it is: platform and immutable id.
    """

    key: Key
    profile: RawProfile
    content_hash: str

    @property
    def payload(self) -> str:
        """Return the profile as JSON text, encoded now: those who are unchanged need none."""
        return encode_payload(self.profile)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that is hashed, compared with what is stored, and enriched where it seems to differ.

    Attributes:
        arranged: In the order of the keys, each person once.
        known: Who was stored already when the batch was compared.
        features: Of those who were not stored, or whose content differed. Others may change until
            the batch is written; their features are made then.
    """

    arranged: tuple[Arranged, ...]
    known: frozenset[Key]
    features: Mapping[Key, Features]

    def without(self, keys: Collection[Key]) -> Prepared:
        """Return the batch without these people."""
        if not keys:
            return self
        return replace(self, arranged=tuple(a for a in self.arranged if a.key not in keys))

    def features_of(self, arranged: Arranged, now: datetime) -> Features:
        """Return one's features, made now if nobody expected a change."""
        ready = self.features.get(arranged.key)
        return enrich(arranged.profile, now=now) if ready is None else ready


def prepared(
    arranged: Sequence[Arranged], compared: Iterable[tuple[int, bool]], now: datetime
) -> Prepared:
    """Enrich those who are not stored as they are.

    Args:
        compared: For each who is stored: the index in `arranged`, and whether the content is the
            same.
        now: As of `enrich`.
    """
    same = dict(compared)
    differing = [a for place, a in enumerate(arranged) if not same.get(place, False)]
    features = enrich_all([a.profile for a in differing], now=now)
    return Prepared(
        tuple(arranged),
        frozenset(arranged[place].key for place in same),
        {a.key: made for a, made in zip(differing, features, strict=True)},
    )


def arrange(profiles: Iterable[RawProfile]) -> list[Arranged]:
    """Return the profiles tidied, in the order of their keys, each person once: the last one wins.

    Those of whom it cannot be told who they are, and those who do not want to be found, are left
    out.
    """
    tidied = filter(None, map(tidy, profiles))
    last = {(p.platform, p.platform_id): p for p in tidied}
    people = [(key, last[key]) for key in sorted(last)]
    return [Arranged(key, p, content_hash(p)) for key, p in people if p.discoverable]


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
