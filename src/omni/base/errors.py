"""Errors are types that say what to do.

HTTP status codes are rendered only in `omni.api`; retries are decided only in `omni.flow.worker`.
"""

from __future__ import annotations

from datetime import datetime


class OmniError(Exception):
    """Root of every error that Omni raises on purpose; `str(error)` is one clear line."""


class Rejected(OmniError):
    """The caller's mistake: names the field and how to mend it; trying again cannot help.

    Args:
        message: What is wrong and how to mend it, one line.
        field: Path of the offending input, such as `criteria.all[2].value`; None if not one field.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(OmniError):
    """The thing that was asked for does not exist."""


class Conflict(OmniError):
    """The request is fine, but the present state does not allow it."""


class Unauthorized(OmniError):
    """No valid API key, or one that may not do this.

    Args:
        message: What is missing and how to get it, one line.
        forbidden: Who asks is known; this is not for them.
        scope: The scope that their key lacks, if that is why.
    """

    def __init__(self, message: str, *, forbidden: bool = False, scope: str | None = None) -> None:
        super().__init__(message)
        self.forbidden = forbidden
        self.scope = scope


class Transient(OmniError):
    """A passing fault: worth another attempt.

    Args:
        message: What failed, one line.
        retry_after: Seconds that the other side asked us to wait, if it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutOfTime(OmniError):
    """A question was not answered within the time that it was given; a coarser one may be."""


class Snooze(OmniError):
    """Not yet: run again at `until`; costs no attempt."""

    def __init__(self, until: datetime, reason: str) -> None:
        super().__init__(reason)
        self.until = until


class Cancelled(OmniError):
    """A person asked for this job to stop."""


class Ambiguous(OmniError):
    """A message may or may not have been taken: never send again, find out or ask a person."""


class CannotTell(OmniError):
    """The platform keeps no record that would answer this, and never will: only a person can."""


class Fatal(OmniError):
    """Cannot succeed, however often it is tried."""
