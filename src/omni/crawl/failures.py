"""What a failed call is counted as, and told as. Pure."""

from __future__ import annotations

import re

from omni.base.errors import (
    Conflict,
    Fatal,
    NotFound,
    OmniError,
    OutOfTime,
    Rejected,
    Transient,
    Unauthorized,
)
from omni.crawl.types import CallFailed, Errand, Page

UNEXPECTED = "unexpected"
"""What nobody raised on purpose: a mistake in a connector, most likely."""

TRIED_AGAIN = frozenset({"transient", UNEXPECTED})
"""Failures after which the next run of the job makes the same call once more."""

NOT_IN_A_ROW = frozenset({"rejected", "not_found"})
"""Failures that are about one list or person, and say nothing of the next call."""

MAX_MESSAGE = 300
_MAX_NAMED = 60

_ERRORS: dict[str, type[OmniError]] = {
    "transient": Transient,
    "rejected": Rejected,
    "not_found": NotFound,
    "unauthorized": Unauthorized,
    "conflict": Conflict,
    "fatal": Fatal,
    "out_of_time": OutOfTime,
}


def what_failed(error: Exception) -> tuple[str, str, str]:
    """Return an error's name, the kind that it is counted as, and one line of it.

    The kind of a passing fault is what the HTTP layer says of it (`timeout`, `reset`, `garbage`,
    `status 503`, …), where it comes from there.
    """
    if not isinstance(error, OmniError):
        return UNEXPECTED, UNEXPECTED, _line(f"{type(error).__name__}: {error}")
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", _known_type(error).__name__).lower()
    fault = error.__cause__
    kind, status = getattr(fault, "kind", None), getattr(fault, "status", None)
    if isinstance(kind, str):
        return name, f"status {status}" if status else kind, _line(str(error))
    return name, name, _line(str(error))


def remake(step: CallFailed) -> OmniError:
    """Return an error that says what the step's did; what was unexpected may be a passing one."""
    return _ERRORS.get(step.error, Transient)(step.message)


def describe_call(errand: Errand) -> str:
    """Say which call it was, in a few words."""
    if isinstance(errand, Page):
        place = "" if errand.cursor is None else f" at {errand.cursor[:_MAX_NAMED]}"
        return f"{errand.seed.type} of {errand.seed.value[:_MAX_NAMED]}{place}"
    first = errand.platform_ids[0][:_MAX_NAMED]
    others = len(errand.platform_ids) - 1
    return f"{first} and {others} more" if others else first


def _known_type(error: OmniError) -> type[OmniError]:
    return next((kind for kind in _ERRORS.values() if isinstance(error, kind)), Fatal)


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"
