"""What candidates are kept for, and what keeping them did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from omni.predicate.types import Where


@dataclass(frozen=True, slots=True)
class Target:
    """A campaign as it was when its criteria and weights were read.

    A target that the campaign has moved on from writes nothing: whoever changed the criteria or the
    weights has asked for a refresh in the same transaction, and that refresh sees everything.

    Attributes:
        where: The compiled criteria.
        weights: One for each of `omni.profiles.types.SIGNALS`.
        weights_version: Which version of the campaign's weights that is; 0 are the default ones.
        criteria_hash: As stored with the campaign (`Campaign.criteria_hash`).
    """

    campaign_id: int
    where: Where
    weights: tuple[float, ...]
    weights_version: int
    criteria_hash: str


class Matcher(Protocol):
    """Holds one profile against the criteria of many campaigns (`omni.predicate.matcher`)."""

    @property
    def columns(self) -> Mapping[str, str]:
        """What a row must have: by name, its SQL over `profile_features pf`."""
        ...

    @property
    def unsure(self) -> frozenset[int]:
        """Places of campaigns whose matches Postgres must confirm."""
        ...

    def match(self, row: Mapping[str, Any], now: datetime) -> list[int]:
        """Return the places of the campaigns whose criteria the profile meets."""
        ...


@dataclass(frozen=True, slots=True)
class Crowd:
    """Campaigns that a change of profiles is held against at once.

    Attributes:
        targets: The campaigns, each once.
        matcher: Their criteria, compiled together; a place is an index into `targets`.
    """

    targets: tuple[Target, ...]
    matcher: Matcher

    @property
    def fields(self) -> frozenset[str]:
        """What the criteria of its campaigns read, all together."""
        return frozenset[str]().union(*(target.where.fields for target in self.targets))


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """What changed, in pairs of a profile and a campaign.

    Attributes:
        entered: Pairs that are new.
        left: Pairs that were evicted, because the profile is out of bounds or gone.
        rescored: Pairs whose score or username was written again.
        unchanged: Pairs that were right already, and were not written.
        stale: Targets whose changes were not written, because the campaign has moved on from them.
        overtaken: Profiles that were looked at once more, because they changed again meanwhile.
        passed: Profiles whose change none of the campaigns asks about.
    """

    entered: int = 0
    left: int = 0
    rescored: int = 0
    unchanged: int = 0
    stale: int = 0
    overtaken: int = 0
    passed: int = 0
