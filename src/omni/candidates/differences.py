"""Which pairs there should be, and what has to be written so that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from omni.candidates.score import cheap_score, whole_signals
from omni.candidates.types import Crowd
from omni.profiles.types import MARKS

LANES = 64
_LANE_WIDTH = 12

PAIR_FIELDS = frozenset({"signals", "username"})
"""What a pair shows of its profile, whatever the criteria."""

ANYTHING = (1 << len(MARKS)) - 1
"""All of `MARKS`."""

Pair = tuple[int, int]
"""profile_id and campaign_id."""

Changes = Mapping[int, int]
"""What changed of a profile, as a set of `omni.profiles.types.MARKS`."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a few profiles mean to a crowd.

    Attributes:
        versions: The version of each profile's features; None if there is no such profile.
        wanted: Username and score of each pair that there should be.
        supposed: Those of them that only stay, and never enter: Postgres was not asked about them,
            since nothing changed that it would look at.
    """

    versions: Mapping[int, int | None]
    wanted: Mapping[Pair, tuple[str, float]]
    supposed: Set[Pair] = frozenset()


@dataclass(frozen=True, slots=True)
class Differences:
    """What has to be written.

    Attributes:
        new: profile_id, campaign_id, username and score of pairs that are not held yet.
        changed: The same of pairs that are held with another username or score.
        out: profile_id, campaign_id, and whether the profile is gone, of pairs that must go.
        unchanged: How many pairs are right already.
    """

    new: list[tuple[int, int, str, float]]
    changed: list[tuple[int, int, str, float]]
    out: list[tuple[int, int, bool]]
    unchanged: int

    @property
    def campaigns(self) -> set[int]:
        """The campaigns that it concerns."""
        return {pair[1] for pair in (*self.new, *self.changed, *self.out)}


def lanes_of(profile_ids: Iterable[int]) -> list[int]:
    """Return the lanes of these profiles, in the order in which they are locked.

    Neighbours share a lane, so that a range of ids, and the people who are new, take few of them.
    """
    return sorted({(profile_id >> _LANE_WIDTH) % LANES for profile_id in profile_ids})


def lanes_of_range(first: int, last: int) -> list[int]:
    """Return the lanes of all profiles from `first` to `last`, in the order of locking."""
    blocks = range(first >> _LANE_WIDTH, (last >> _LANE_WIDTH) + 1)
    return [*range(LANES)] if len(blocks) >= LANES else sorted({block % LANES for block in blocks})


def matches_of(crowd: Crowd, rows: Iterable[Mapping[str, Any]]) -> dict[int, list[int]]:
    """Return the places of the campaigns that each profile meets, by profile_id."""
    match = crowd.matcher.match
    return {row["profile_id"]: match(row, row["now"]) for row in rows}


def marks_of(fields: Iterable[str]) -> int:
    """Return fields as a set of `MARKS`."""
    return sum(1 << MARKS.index(name) for name in set(fields))


def concerned(crowd: Crowd, profile_ids: Iterable[int], changes: Changes | None) -> list[int]:
    """Return those whose change the criteria of a campaign, its scores or its names can show.

    Args:
        crowd: The campaigns.
        profile_ids: Who changed.
        changes: In what; who is not in it may have changed in everything.
    """
    if changes is None:
        return [*profile_ids]
    read = marks_of(crowd.fields | PAIR_FIELDS)
    return [i for i in profile_ids if changes.get(i, read) & read]


def doubtful(
    crowd: Crowd, matches: Mapping[int, Sequence[int]], changes: Changes | None
) -> tuple[dict[int, list[int]], set[Pair]]:
    """Return whom Postgres must be asked about, and the pairs for which that can be spared.

    Where nothing changed that a campaign's criteria read, whoever is a candidate stays one, and
    nobody else becomes one. Time changes without a mark, so criteria that drift are asked about.

    Returns:
        By the place of each campaign that is unsure of its matches, whom to ask for; and the
        matches that hold if the pair is held.
    """
    asked: dict[int, list[int]] = {}
    supposed: set[Pair] = set()
    unsure = crowd.matcher.unsure
    if not unsure:
        return asked, supposed
    targets = {place: crowd.targets[place] for place in unsure}
    read = {
        place: ANYTHING if target.where.drifts else marks_of(target.where.fields)
        for place, target in targets.items()
    }
    for profile_id, places in matches.items():
        changed = changes.get(profile_id) if changes is not None else None
        for place in unsure.intersection(places):
            if changed is None or changed & read[place]:
                asked.setdefault(place, []).append(profile_id)
            else:
                supposed.add((profile_id, targets[place].campaign_id))
    return asked, supposed


def wanted_pairs(
    crowd: Crowd,
    rows: Iterable[Mapping[str, Any]],
    matches: Mapping[int, Sequence[int]],
    refused: set[Pair],
) -> dict[Pair, tuple[str, float]]:
    """Return the pairs that there should be, scored.

    Args:
        crowd: The campaigns.
        rows: The profiles.
        matches: What `matches_of` gave.
        refused: Pairs among them that Postgres did not confirm.
    """
    targets = crowd.targets
    wanted: dict[Pair, tuple[str, float]] = {}
    for row in rows:
        profile_id, username = row["profile_id"], row["username"]
        places = matches[profile_id]
        signals = whole_signals(row["signals"]) if places else []
        for place in places:
            target = targets[place]
            pair = (profile_id, target.campaign_id)
            if pair not in refused:
                wanted[pair] = (username, cheap_score(signals, target.weights))
    return wanted


def differences(
    crowd: Crowd, looked: Looked, held: Iterable[Mapping[str, Any]], overtaken: set[int]
) -> Differences:
    """Compare the pairs that there should be with those that are held.

    Pairs of campaigns that are not in the crowd are let be, unless the profile is gone.

    Args:
        crowd: The campaigns.
        looked: What the profiles mean to them.
        held: All pairs of these profiles.
        overtaken: Profiles whose features have changed since they were looked at.
    """
    served = {target.campaign_id for target in crowd.targets}
    left = dict(looked.wanted)
    changed: list[tuple[int, int, str, float]] = []
    out: list[tuple[int, int, bool]] = []
    unchanged = 0
    for row in held:
        profile_id, campaign_id = pair = (row["profile_id"], row["campaign_id"])
        if profile_id in overtaken:
            continue
        want = left.pop(pair, None)
        gone = looked.versions[profile_id] is None
        if want is None:
            if gone or campaign_id in served:
                out.append((profile_id, campaign_id, gone))
        elif want == (row["username"], row["score"]):
            unchanged += 1
        else:
            changed.append((profile_id, campaign_id, *want))
    new = [
        (*pair, *want)
        for pair, want in left.items()
        if pair[0] not in overtaken and pair not in looked.supposed
    ]
    return Differences(new, changed, out, unchanged)
