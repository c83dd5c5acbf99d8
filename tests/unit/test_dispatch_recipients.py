"""At which hour a person may be written to: their clock and the account's, whichever is quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.dispatch.pacing import slot_for
from omni.dispatch.pacing_types import Quiet
from omni.dispatch.plan import MAX_PASSED, put_off_until, recipient_slot
from omni.dispatch.quiet import COMMON_WITHIN, common_span, is_quiet
from omni.dispatch.types import Gate, Slot
from omni.dispatch.zones import zones_of
from tests.unit.test_dispatch_pacing import HOUR, MINUTE, NOW, QUIETS, ZONES
from tests.unit.test_dispatch_plan import OPEN, message

EVENING = Quiet("Europe/Paris", starts=20 * 60, ends=9 * 60)
JAPAN = replace(OPEN, country="JP")


@given(QUIETS, st.lists(ZONES, max_size=3), st.integers(-400, 400))
def test_it_is_quiet_if_it_is_by_any_of_the_clocks(
    quiet: Quiet, zones: list[str], hours: int
) -> None:
    moment = NOW + hours * HOUR
    clocks = [quiet, *(replace(quiet, zone=zone) for zone in zones)]

    def silent(at: datetime) -> bool:
        return any(is_quiet(clock, at) for clock in clocks)

    common = common_span(quiet, zones, moment)
    if common is None:
        looks = (moment + n * 20 * MINUTE for n in range(int(COMMON_WITHIN / (20 * MINUTE))))
        assert sum(not silent(at) for at in looks) == 0 or any(
            is_quiet(clock, moment) for clock in clocks
        )
        return
    start, end = common
    if quiet.starts == quiet.ends and not quiet.days:
        return
    assert silent(moment) == (moment < start)
    assert moment < end
    assert not silent(start)
    assert not silent(end - timedelta(seconds=1))
    assert silent(end)
    # Nothing between is open: the next moment is the first.
    assert all(silent(moment + n * (start - moment) / 50) for n in range(50) if moment < start)
    slot = slot_for(quiet, zones, moment)
    assert slot.at == max(start, moment)
    assert (slot.gate is None) == (start <= moment)


@pytest.mark.parametrize(
    ("quiet", "zones", "moment", "expected"),
    [
        # Noon in Paris is evening in Tokyo: what is left is the next morning of both.
        (EVENING, ("Asia/Tokyo",), "2026-03-02T12:30+01:00", "2026-03-03T09:00+01:00"),
        # New York goes back a week after Europe: five hours apart, and then six again.
        (EVENING, ("America/New_York",), "2026-10-26T09:00+01:00", "2026-10-26T14:00+01:00"),
        (EVENING, ("America/New_York",), "2026-11-02T09:00+01:00", "2026-11-02T15:00+01:00"),
        # The night in which only their clock is put forward.
        (
            Quiet("Asia/Kolkata", 15 * 60, 5 * 60),
            ("Europe/Paris",),
            "2026-03-28T12:00+01:00",
            "2026-03-29T05:00+02:00",
        ),
    ],
)
def test_the_next_hour_that_suits_both_follows_both_clocks(
    quiet: Quiet, zones: tuple[str, ...], moment: str, expected: str
) -> None:
    slot = slot_for(quiet, zones, datetime.fromisoformat(moment))
    assert slot == Slot(datetime.fromisoformat(expected), Gate.RECIPIENT_QUIET)


def test_where_their_hours_never_meet_it_says_so() -> None:
    office = Quiet("America/New_York", starts=17 * 60, ends=9 * 60)
    assert slot_for(office, ("Asia/Tokyo",), NOW) == Slot(None, Gate.NO_HOUR)
    assert slot_for(office, (), NOW).gate in (None, Gate.QUIET)
    # By its own clock alone it is quiet, and names that.
    assert slot_for(office, (), datetime(2026, 3, 2, 2, tzinfo=UTC)).gate is Gate.QUIET


def test_a_country_of_several_zones_is_quiet_in_any_of_them() -> None:
    quiet = Quiet("UTC", starts=20 * 60, ends=8 * 60)
    anywhere = zones_of("US")
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} <= set(anywhere)
    # Eight in Honolulu is 18:00 UTC; the account's own evening begins at 20:00.
    start, end = common_span(quiet, anywhere, datetime(2026, 1, 12, 9, tzinfo=UTC)) or (None, None)
    assert (start, end) == (
        datetime(2026, 1, 12, 18, tzinfo=UTC),
        datetime(2026, 1, 12, 20, tzinfo=UTC),
    )
    new_york = zones_of("US", "New York")
    assert new_york == ("America/New_York",)
    assert slot_for(quiet, new_york, datetime(2026, 1, 12, 14, tzinfo=UTC)).gate is None


def test_zones_are_known_of_countries_and_of_places_that_a_zone_is_named_after() -> None:
    assert zones_of("DE") == ("Europe/Berlin", "Europe/Busingen")
    assert zones_of("FR", "Lyon") == ("Europe/Paris",)
    assert zones_of("BR", "São Paulo") == ("America/Sao_Paulo",)
    assert zones_of("US", "Springfield") == zones_of("US")
    assert zones_of(None, "Paris") == zones_of("ZZ") == zones_of("XX", "x") == ()


def test_a_message_waits_for_the_first_account_that_may_send_it() -> None:
    day, night = Quiet("UTC", 20 * 60, 6 * 60), Quiet("UTC", 6 * 60, 20 * 60)
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)  # nine in the evening in Tokyo
    alone = recipient_slot(day, (), JAPAN, noon)
    assert alone == Slot(datetime(2026, 3, 3, 6, tzinfo=UTC), Gate.RECIPIENT_QUIET)
    # Another one keeps no quiet hours: it may write now, so that the message keeps its place.
    other = recipient_slot(day, (Quiet(),), JAPAN, noon)
    assert other == Slot(noon, Gate.RECIPIENT_QUIET)
    due = message(eligible_at=noon - HOUR)
    assert put_off_until(other, due, noon, passed=0) == noon - HOUR
    assert put_off_until(other, due, noon, passed=MAX_PASSED) == noon + timedelta(minutes=5)
    assert put_off_until(alone, due, noon, passed=0) == alone.at
    never = recipient_slot(night, (), JAPAN, noon)
    assert never.gate in (Gate.RECIPIENT_QUIET, Gate.QUIET)
    unknown = replace(OPEN, country=None)
    assert recipient_slot(day, (), unknown, noon) == Slot(noon, None)
    assert put_off_until(Slot(None, Gate.NO_HOUR), due, noon, passed=0) == noon + 24 * HOUR
