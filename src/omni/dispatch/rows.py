"""Accounts, messages and recipients, made of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omni.dispatch.drafting_types import Recipient
from omni.dispatch.template import one_line
from omni.dispatch.types import Account, Message
from omni.qualification.types import Reason


def account_from(row: Mapping[str, Any]) -> Account:
    """Make an account of its row; without a weekly limit, its days are what limits it."""
    values = {name: row[name] for name in Account.__slots__}
    values["quiet_days"] = tuple(values["quiet_days"])
    if values["weekly_limit"] is None:
        values["weekly_limit"] = 7 * values["daily_limit"]
    return Account(**values)


def message_from(row: Mapping[str, Any]) -> Message:
    """Make a message of its row."""
    return Message(**{name: row[name] for name in Message.__slots__})


def recipient_from(row: Mapping[str, Any]) -> Recipient:
    """Make a recipient of a lead's row: without a name that can be read, the username stands in."""
    reasons = reasons_from(row["reasons"])
    return Recipient(
        lead_id=row["lead_id"],
        profile_id=row["profile_id"],
        platform=row["platform"],
        platform_id=row["platform_id"],
        username=row["username"],
        name=one_line(row["display_name"] or "") or row["username"],
        score=row["score"],
        reason=reasons[0].evidence if reasons else None,
        reasons=reasons,
        earlier=row.get("earlier"),
    )


def reasons_from(reasons: Sequence[Mapping[str, Any]]) -> tuple[Reason, ...]:
    """Return what a verdict quotes, from its reasons as they are stored, the strongest first."""
    read = (
        Reason(
            one_line(str(each.get("criterion") or "")), one_line(str(each.get("evidence") or ""))
        )
        for each in reasons
    )
    return tuple(reason for reason in read if reason.evidence)
