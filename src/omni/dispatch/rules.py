"""What every message and every account must satisfy, whoever writes it."""

from __future__ import annotations

from omni.base.errors import Conflict, Rejected
from omni.base.hashing import digest
from omni.base.ids import derived_id
from omni.dispatch.template import clean, problem_of
from omni.dispatch.types import Message

_MAX_LIMIT = 100_000


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


def check_account(handle: str, hourly_limit: int, daily_limit: int) -> None:
    """Refuse an account that makes no sense.

    Raises:
        Rejected: Names the field.
    """
    if not handle.strip() or len(handle) > 253 or clean(handle) != handle:
        raise Rejected("the handle must be 1 to 253 printable characters", field="handle")
    if not 0 <= hourly_limit <= _MAX_LIMIT:
        raise Rejected(f"the hourly limit must be 0 to {_MAX_LIMIT}", field="hourly_limit")
    if not hourly_limit <= daily_limit <= _MAX_LIMIT:
        raise Rejected(
            f"the daily limit must be at least the hourly one, at most {_MAX_LIMIT}",
            field="daily_limit",
        )
