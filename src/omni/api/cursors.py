"""Page cursors: opaque to callers, a fixed number of bytes to us, and checked when they come back.

A cursor is the sort key of the last item of a page, so that the next page begins right after it,
whatever was inserted or removed meanwhile.
"""

from __future__ import annotations

import math
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime, timedelta
from uuid import UUID

from omni.base.errors import Rejected

_ID = struct.Struct(">q")
_SCORED = struct.Struct(">dq")
_TIMED = struct.Struct(">q16s")
_MOVED = struct.Struct(">qq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def id_cursor(last_id: int) -> str:
    """Return the cursor of a list that is ordered by id."""
    return _encode(_ID.pack(last_id))


def read_id_cursor(cursor: str | None) -> int | None:
    """Return the id after which the page begins; None is the first page.

    Raises:
        Rejected: The cursor is not one of ours.
    """
    if cursor is None:
        return None
    (last_id,) = _ID.unpack(_decode(cursor, _ID.size))
    return _checked_id(last_id)


def score_cursor(score: float, last_id: int) -> str:
    """Return the cursor of a list that is ordered by score and id, both descending."""
    return _encode(_SCORED.pack(score, last_id))


def read_score_cursor(cursor: str | None) -> tuple[float, int] | None:
    """Return the score and the id after which the page begins; None is the first page.

    Raises:
        Rejected: The cursor is not one of ours.
    """
    if cursor is None:
        return None
    score, last_id = _SCORED.unpack(_decode(cursor, _SCORED.size))
    if not math.isfinite(score):
        raise _unknown()
    return score, _checked_id(last_id)


def time_cursor(moment: datetime, last_id: UUID) -> str:
    """Return the cursor of a list that is ordered by time and id, both descending."""
    return _encode(_TIMED.pack((moment - _EPOCH) // _MICROSECOND, last_id.bytes))


def read_time_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the moment and the id after which the page begins; None is the first page.

    Raises:
        Rejected: The cursor is not one of ours.
    """
    if cursor is None:
        return None
    microseconds, last_id = _TIMED.unpack(_decode(cursor, _TIMED.size))
    try:
        return _EPOCH + timedelta(microseconds=microseconds), UUID(bytes=last_id)
    except OverflowError:
        raise _unknown() from None


def moment_cursor(moment: datetime, last_id: int) -> str:
    """Return the cursor of a list that is ordered by time and a number, both descending."""
    return _encode(_MOVED.pack((moment - _EPOCH) // _MICROSECOND, last_id))


def read_moment_cursor(cursor: str | None) -> tuple[datetime, int] | None:
    """Return the moment and the id after which the page begins; None is the first page.

    Raises:
        Rejected: The cursor is not one of ours.
    """
    if cursor is None:
        return None
    microseconds, last_id = _MOVED.unpack(_decode(cursor, _MOVED.size))
    try:
        return _EPOCH + timedelta(microseconds=microseconds), _checked_id(last_id)
    except OverflowError:
        raise _unknown() from None


def name_cursor(name: str, last_id: int) -> str:
    """Return the cursor of a list that is ordered by a name and a number, both ascending."""
    return _encode(_ID.pack(last_id) + name.encode())


def read_name_cursor(cursor: str | None) -> tuple[str, int] | None:
    """Return the name and the id after which the page begins; None is the first page.

    Raises:
        Rejected: The cursor is not one of ours.
    """
    if cursor is None:
        return None
    data = _decode(cursor)
    try:
        (last_id,) = _ID.unpack(data[: _ID.size])
        name = data[_ID.size :].decode()
    except (struct.error, UnicodeDecodeError):
        raise _unknown() from None
    if "\0" in name:
        raise _unknown()
    return name, _checked_id(last_id)


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(cursor: str, size: int | None = None) -> bytes:
    try:
        data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (Base64Error, ValueError):
        raise _unknown() from None
    if (size is not None and len(data) != size) or _encode(data) != cursor:
        raise _unknown()
    return data


def _checked_id(last_id: int) -> int:
    if last_id < 1:
        raise _unknown()
    return last_id


def _unknown() -> Rejected:
    return Rejected("is not a cursor of this list: use `next_cursor` as it came", field="cursor")
