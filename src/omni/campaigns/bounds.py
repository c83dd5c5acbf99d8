"""What a campaign may be: bounds that hold whoever calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import get_args

from omni.base.errors import Rejected
from omni.campaigns.types import CampaignStatus, Changes, FollowUp, MessageWriter
from omni.profiles.types import SIGNALS

MAX_NAME = 300
MAX_PROSE = 8_000
MAX_SHORTLIST = 10_000
MAX_WEIGHT = 1_000.0
MAX_CALLS = 10_000_000
MAX_COST_MICROS = 10**12
MAX_FOLLOW_UPS = 5
MAX_DELAY_HOURS = 24 * 90
MAX_AUTOPILOT = 1_000
_LEAST_WEIGHT = 1e-9


def check_changes(changes: Changes) -> None:
    """Check every value that is given.

    Raises:
        Rejected: One is out of bounds; `field` names it.
    """
    if "name" in changes:
        _check_text("name", changes["name"], MAX_NAME)
        if not changes["name"].strip():
            raise Rejected("a campaign needs a name", field="name")
    if "brief" in changes:
        _check_text("brief", changes["brief"], MAX_PROSE)
    if "message_template" in changes:
        _check_text("message_template", changes["message_template"], MAX_PROSE)
    if "status" in changes and changes["status"] not in get_args(CampaignStatus):
        raise Rejected(f"status is one of {', '.join(get_args(CampaignStatus))}", field="status")
    if "threshold" in changes and not 0 <= changes["threshold"] <= 1:
        raise Rejected("the threshold is between 0 and 1", field="threshold")
    if "shortlist_size" in changes and not 1 <= changes["shortlist_size"] <= MAX_SHORTLIST:
        raise Rejected(
            f"the shortlist size is between 1 and {MAX_SHORTLIST:,}", field="shortlist_size"
        )
    if "judge_share" in changes and not 0 <= changes["judge_share"] <= 1:
        raise Rejected("the share that is judged is between 0 and 1", field="judge_share")
    if "writer" in changes and changes["writer"] not in get_args(MessageWriter):
        raise Rejected(f"writer is one of {', '.join(get_args(MessageWriter))}", field="writer")
    _check_follow_ups(changes.get("follow_ups", ()))
    _check_limit("daily_call_limit", changes.get("daily_call_limit"), MAX_CALLS)
    _check_limit("daily_cost_limit_micros", changes.get("daily_cost_limit_micros"), MAX_COST_MICROS)


def check_autopilot(cap: int | None) -> None:
    """Refuse a cap of the autopilot that is out of bounds; None turns it off.

    Raises:
        Rejected: It is.
    """
    if cap is not None and not 1 <= cap <= MAX_AUTOPILOT:
        raise Rejected(
            f"daily_cap is between 1 and {MAX_AUTOPILOT:,}, or null for no autopilot",
            field="daily_cap",
        )


def _check_follow_ups(follow_ups: Sequence[FollowUp]) -> None:
    if len(follow_ups) > MAX_FOLLOW_UPS:
        raise Rejected(f"there are at most {MAX_FOLLOW_UPS} follow-ups", field="follow_ups")
    for place, each in enumerate(follow_ups):
        field = f"follow_ups[{place}]"
        _check_text(f"{field}.template", each.template, MAX_PROSE)
        if not each.template.strip():
            raise Rejected("a follow-up needs a text", field=f"{field}.template")
        if not 1 <= each.delay_hours <= MAX_DELAY_HOURS:
            raise Rejected(
                f"a delay is between 1 and {MAX_DELAY_HOURS:,} hours", field=f"{field}.delay_hours"
            )


def _check_limit(name: str, limit: int | None, most: int) -> None:
    if limit is not None and not 0 <= limit <= most:
        raise Rejected(f"{name} is between 0 and {most:,}, or null for no limit", field=name)


def checked_weights(weights: Sequence[float]) -> tuple[float, ...]:
    """Return weights as they are stored: one a signal, finite, bounded, and nothing close to 0.

    Raises:
        Rejected: There are too many or too few, or one is out of bounds.
    """
    if len(weights) != len(SIGNALS):
        raise Rejected(f"there is one weight for each of {len(SIGNALS)} signals", field="weights")
    for place, weight in enumerate(weights):
        if not math.isfinite(weight) or abs(weight) > MAX_WEIGHT:
            raise Rejected(f"a weight is within ±{MAX_WEIGHT:g}", field=f"weights[{place}]")
    # Postgres refuses products that are too small for a float: they would stop every score.
    return tuple(float(w) if abs(w) >= _LEAST_WEIGHT else 0.0 for w in weights)


def _check_text(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise Rejected(f"{name} is longer than {longest:,} characters: shorten it", field=name)
    if any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
        raise Rejected(f"{name} must not contain NUL or half a surrogate pair", field=name)
