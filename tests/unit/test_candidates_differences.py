"""What has to be written follows from what is wanted and what is held, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omni.candidates.differences import (
    ANYTHING,
    LANES,
    Looked,
    concerned,
    differences,
    doubtful,
    lanes_of,
    lanes_of_range,
    marks_of,
    wanted_pairs,
)
from omni.candidates.plan import cheap_score
from omni.candidates.types import Crowd, Target
from omni.predicate.types import Where
from omni.profiles.types import DEFAULT_WEIGHTS, MARKS


class Unsure:
    """Matches nobody, and is unsure of the second campaign."""

    columns: Mapping[str, str] = {}
    unsure = frozenset({1})

    def match(self, row: Mapping[str, Any], now: datetime) -> list[int]:
        return []


def crowd(where: Where) -> Crowd:
    """Two campaigns, the second of which is unsure."""
    return Crowd(
        tuple(Target(campaign, where, DEFAULT_WEIGHTS, 0, "x") for campaign in (10, 20)), Unsure()
    )


CROWD = crowd(Where("true"))


def held(profile_id: int, campaign_id: int, score: float = 1.0, name: str = "a") -> dict[str, Any]:
    return {"profile_id": profile_id, "campaign_id": campaign_id, "username": name, "score": score}


def test_only_differences_are_written() -> None:
    wanted = {(1, 10): ("a", 1.0), (1, 20): ("a", 2.0), (2, 10): ("b", 1.0), (3, 10): ("c", 1.0)}
    looked = Looked({1: 5, 2: 5, 3: 5, 4: 5, 5: None}, wanted)
    rows = [
        held(1, 10),
        held(1, 20),  # another score
        held(2, 10),  # another name
        held(4, 20),  # no longer meant
        held(4, 99),  # of a campaign that is not in the crowd
        held(5, 99),  # of somebody who is gone
    ]
    found = differences(CROWD, looked, rows, set())
    assert found.changed == [(1, 20, "a", 2.0), (2, 10, "b", 1.0)]
    assert found.new == [(3, 10, "c", 1.0)]
    assert found.out == [(4, 20, False), (5, 99, True)]
    assert found.unchanged == 1
    assert found.campaigns == {10, 20, 99}


def test_whom_a_later_change_has_overtaken_is_left_alone() -> None:
    looked = Looked({1: 5, 2: None}, {(1, 10): ("a", 1.0)})
    found = differences(CROWD, looked, [held(1, 20), held(2, 10)], {1, 2})
    assert (found.new, found.changed, found.out, found.unchanged) == ([], [], [], 0)


def test_pairs_are_scored_unless_postgres_refused_them() -> None:
    rows = [{"profile_id": n, "username": f"u{n}", "signals": [0.5, None]} for n in (1, 2)]
    pairs = wanted_pairs(CROWD, rows, {1: [0, 1], 2: []}, {(1, 20)})
    assert pairs == {(1, 10): ("u1", cheap_score([0.5] * 8, DEFAULT_WEIGHTS))}


def test_postgres_is_asked_only_about_matches_of_the_unsure() -> None:
    assert doubtful(CROWD, {1: [0, 1], 2: [0], 3: [1]}, None) == ({1: [1, 3]}, set())


def test_postgres_is_not_asked_where_nothing_changed_that_it_would_look_at() -> None:
    changes = {1: marks_of(["followers"]), 2: marks_of(["bio", "posts"])}
    matches = {1: [1], 2: [1], 3: [1]}
    assert doubtful(crowd(Where("true", {}, frozenset({"bio"}))), matches, changes) == (
        {1: [2, 3]},
        {(1, 20)},
    )
    drifts = crowd(Where("true", {}, frozenset({"bio"}), drifts=True))
    assert doubtful(drifts, matches, changes) == ({1: [1, 2, 3]}, set())


def test_a_supposed_pair_stays_and_never_enters() -> None:
    wanted = {(1, 20): ("a", 2.0), (2, 20): ("b", 1.0)}
    looked = Looked({1: 5, 2: 5}, wanted, {(1, 20), (2, 20)})
    found = differences(CROWD, looked, [held(1, 20)], set())
    assert (found.new, found.changed, found.out) == ([], [(1, 20, "a", 2.0)], [])


def test_whoever_changed_in_nothing_that_is_read_is_passed_over() -> None:
    changes = {
        1: marks_of(["bio"]), 2: marks_of(["followers", "posts"]), 3: marks_of(["signals"]),
        4: marks_of(["username"]), 5: 0,
    }  # fmt: skip
    reads = crowd(Where("true", {}, frozenset({"followers"})))
    assert concerned(reads, range(1, 7), changes) == [2, 3, 4, 6]
    assert concerned(reads, range(1, 7), None) == [1, 2, 3, 4, 5, 6]
    assert marks_of(MARKS) == ANYTHING


def test_lanes_come_in_order_and_cover_every_profile_of_a_range() -> None:
    assert lanes_of([]) == []
    assert lanes_of([2**63 - 1, 1, 2, -1]) == [0, LANES - 1]
    assert lanes_of_range(1, 2**63 - 1) == [*range(LANES)]
    for first, last in ((1, 10), (4_000, 9_000), (250_000, 270_000)):
        assert lanes_of_range(first, last) == lanes_of(range(first, last + 1))
