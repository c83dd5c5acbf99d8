"""What becomes of a job: decided from how its run ended, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from omni.base.errors import (
    Ambiguous,
    Cancelled,
    Conflict,
    Fatal,
    NotFound,
    OmniError,
    Rejected,
    Snooze,
    Transient,
    Unauthorized,
)
from omni.jobs.types import KINDS, Finish, JobArgs, NewJob

MAX_ENQUEUED = 10_000
"""The most jobs that one call may write."""

MAX_ERROR = 500
"""The most characters of an error that the ledger keeps."""

BACKOFF_BASE_S = 2.0
BACKOFF_CAP_S = 600.0
MAX_WAIT_S = 86_400.0
"""The longest that another side's `Retry-After` can hold a job back."""

MIN_SNOOZE_S = 1.0
"""A snooze costs no attempt, so that without this bound a step could spin for ever."""

_MAX_ID = 2**63 - 1

_HOPELESS = (Rejected, NotFound, Conflict, Unauthorized, Ambiguous, Fatal)


def check_jobs(jobs: Sequence[NewJob]) -> list[str]:
    """Return the jobs' arguments as JSON text, in order.

    Raises:
        Rejected: A kind that the registry lacks, arguments that are not plain JSON, too many jobs.
    """
    if len(jobs) > MAX_ENQUEUED:
        raise Rejected(f"at most {MAX_ENQUEUED} jobs can be written at once")
    for job in jobs:
        if KINDS.get(job.args.kind) is not type(job.args):
            raise Rejected(f"unknown kind of job: {type(job.args).__name__}", field="kind")
        if not 0 <= (getattr(job.args, "campaign_id", None) or 0) <= _MAX_ID:
            raise Rejected("there is no campaign with such an id", field="campaign_id")
    try:
        return [to_json(job.args) for job in jobs]
    except Fatal as error:
        raise Rejected(f"the arguments are {error}", field="args") from error


def decode_args(kind: str, args: Mapping[str, Any]) -> JobArgs:
    """Return the typed arguments of a job of the ledger.

    Raises:
        Fatal: The kind is gone, or its arguments have changed since the job was written.
    """
    if kind not in KINDS:
        raise Fatal(f"no step serves jobs of kind {kind}")
    try:
        return msgspec.convert(args, KINDS[kind])
    except msgspec.ValidationError as error:
        raise Fatal(f"the arguments do not fit {kind}: {error}") from error


def backoff_s(attempt: int, roll: float, retry_after: float | None = None) -> float:
    """Return the seconds until the next run: exponential with full jitter.

    Args:
        attempt: How many runs there were, from 1.
        roll: A random number from 0 to 1, so that jobs which failed together do not return
            together.
        retry_after: Seconds that the other side asked for; the jitter comes on top of them.
    """
    ceiling = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(max(attempt, 1) - 1, 30))
    asked = min(max(retry_after or 0.0, 0.0), MAX_WAIT_S)
    return asked + roll * ceiling


def succeed(result: Mapping[str, Any]) -> Finish:
    """The run did its work.

    Raises:
        Fatal: The result is not plain JSON.
    """
    return Finish("succeeded", result=to_json(result))


def release(now: datetime) -> Finish:
    """The worker stops before the run has ended: another worker begins it anew."""
    return Finish("queued", run_at=now, refund=True)


def cancel() -> Finish:
    """A person asked for the job to stop."""
    return Finish("cancelled", error="cancelled while running")


def fail(
    error: Exception, *, attempt: int, max_attempts: int, now: datetime, roll: float
) -> Finish:
    """The run raised `error`: its type says what to do.

    An error that nobody raised on purpose may be a passing one, so that it is tried again too, as
    often as the job's attempts allow.
    """
    if isinstance(error, Snooze):
        at = max(error.until, now + timedelta(seconds=MIN_SNOOZE_S))
        return Finish("queued", run_at=at, refund=True, error=describe(error))
    if isinstance(error, Cancelled):
        return cancel()
    if isinstance(error, _HOPELESS) or attempt >= max_attempts:
        return Finish("failed", error=describe(error))
    retry_after = error.retry_after if isinstance(error, Transient) else None
    wait = timedelta(seconds=backoff_s(attempt, roll, retry_after))
    return Finish("queued", run_at=now + wait, error=describe(error))


def describe(error: BaseException) -> str:
    """Return one clear line of bounded length; an unexpected error also names its type."""
    words = " ".join(clean_text(str(error)).split())
    line = words if isinstance(error, OmniError) and words else f"{type(error).__name__}: {words}"
    return line if len(line) <= MAX_ERROR else line[: MAX_ERROR - 1] + "…"


def to_json(value: object) -> str:
    """Encode a value as JSON that Postgres takes: without NUL and without lone surrogates.

    Raises:
        Fatal: The value is not plain JSON.
    """
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:
        encoded = b"\\u0000"
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise Fatal(f"not plain JSON: {error}") from error
    if b"\\u0000" in encoded:
        encoded = msgspec.json.encode(_clean(msgspec.to_builtins(value)))
    return encoded.decode()


def clean_text(text: str) -> str:
    """Replace what Postgres' text cannot hold: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {_clean(key): _clean(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in cast("list[object]", value)]
    return value
