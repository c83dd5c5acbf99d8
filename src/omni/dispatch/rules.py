"""What every message and every account must satisfy, whoever writes it."""

from __future__ import annotations

from omni.base.errors import Conflict, Rejected
from omni.base.hashing import digest
from omni.base.ids import derived_id
from omni.dispatch.pacing import MAX_WARMUP_DAYS
from omni.dispatch.quiet import is_zone
from omni.dispatch.template import clean, problem_of
from omni.dispatch.types import Message, Pacing

_MAX_LIMIT = 100_000
_MAX_JITTER_S = 4 * 3_600
_DAY_S = 24 * 3_600
_DAY_MINUTES = 24 * 60


def body_hash(platform: str, platform_id: str, text: str) -> str:
    """Return the SHA-256 that an approval is bound to: the recipient and the text, together."""
    return digest([platform, platform_id, text])


def message_key(message: Message) -> str:
    """Return the name of this person's step, the same whenever and wherever it is sent."""
    person = digest([message.platform, message.platform_id])
    return str(derived_id(f"message.{person}.{message.campaign_id}.{message.step}"))


def checked_body(platform: str, text: str) -> str:
    """Return an edited text as it will be sent.

    Raises:
        Rejected: It is empty, or longer than the platform takes.
    """
    body = clean(text)
    problem = problem_of(platform, body)
    if problem:
        raise Rejected(problem, field="body")
    return body


def check_lead(state: str | None) -> None:
    """Refuse to approve a message to somebody whom the campaign no longer wants.

    Args:
        state: The lead's; None if it is gone.

    Raises:
        Conflict: The lead was withdrawn or rejected, or is gone.
    """
    if state is None:
        raise Conflict("the lead is gone: its message cannot be approved")
    if state == "withdrawn":
        raise Conflict("the lead is withdrawn: the person no longer fits the campaign")
    if state == "rejected":
        raise Conflict("the lead is rejected: accept it first")


def check_handle(handle: str) -> None:
    """Refuse a handle that makes no sense.

    Raises:
        Rejected: With the field `handle`.
    """
    if not handle.strip() or len(handle) > 253 or clean(handle) != handle:
        raise Rejected("the handle must be 1 to 253 printable characters", field="handle")


def check_pacing(pacing: Pacing) -> None:
    """Refuse limits that make no sense, or that could never send anything without saying so.

    Raises:
        Rejected: Names the field.
    """
    _between(pacing.hourly_limit, 0, _MAX_LIMIT, "hourly_limit")
    _between(pacing.daily_limit, pacing.hourly_limit, _MAX_LIMIT, "daily_limit")
    if pacing.weekly_limit is not None:
        _between(pacing.weekly_limit, pacing.daily_limit, 7 * _MAX_LIMIT, "weekly_limit")
    _between(pacing.gap_s, 0, _DAY_S, "gap_s")
    _between(pacing.jitter_s, 0, _MAX_JITTER_S, "jitter_s")
    _between(pacing.warmup_first, 1, _MAX_LIMIT, "warmup_first")
    _between(pacing.warmup_days, 1, MAX_WARMUP_DAYS, "warmup_days")
    _between(pacing.quiet_from, 0, _DAY_MINUTES - 1, "quiet_from")
    _between(pacing.quiet_to, 0, _DAY_MINUTES - 1, "quiet_to")
    days = set(pacing.quiet_days)
    if not days <= set(range(1, 8)) or len(days) != len(pacing.quiet_days):
        raise Rejected("must be days of 1 (Monday) to 7 (Sunday), each once", field="quiet_days")
    if len(days) == 7:
        raise Rejected("must leave a day: pause the account to send nothing", field="quiet_days")
    if not is_zone(pacing.zone):
        raise Rejected("must be the IANA name of a time zone, such as 'Europe/Paris'", field="zone")


def _between(value: int, least: int, most: int, field: str) -> None:
    if not least <= value <= most:
        raise Rejected(f"must be {least} to {most}", field=field)
