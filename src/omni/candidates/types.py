"""What candidates are kept for, and what keeping them did."""

from __future__ import annotations

from dataclasses import dataclass

from omni.predicate.types import Where


@dataclass(frozen=True, slots=True)
class Target:
    """A campaign as it was when its criteria and weights were read.

    A target that the campaign has moved on from writes nothing: whoever changed the criteria or the
    weights has asked for a refresh in the same transaction, and that refresh sees everything.

    Attributes:
        where: The compiled criteria.
        weights: One for each of `omni.profiles.types.SIGNALS`.
        criteria_hash: As stored with the campaign (`Campaign.criteria_hash`).
    """

    campaign_id: int
    where: Where
    weights: tuple[float, ...]
    criteria_hash: str


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """What changed, in pairs of a profile and a campaign.

    Attributes:
        entered: Pairs that are new.
        left: Pairs that were evicted, because the profile is out of bounds or gone.
        rescored: Pairs whose score or username was written again.
        unchanged: Pairs that were right already, and were not written.
        stale: Targets that were skipped, because the campaign has moved on from them.
    """

    entered: int = 0
    left: int = 0
    rescored: int = 0
    unchanged: int = 0
    stale: int = 0
