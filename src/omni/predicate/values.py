"""Values as people write them, made into the one form that equal values share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from string import ascii_lowercase, ascii_uppercase

from omni.base.errors import Rejected
from omni.predicate.types import HEAP_OF_SIGNS, MAX_NUMBER, MAX_SIGNS, MAX_TEXT, Operator, Scalar
from omni.profiles.types import FeatureField, FieldKind

_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)
_RELATIVE = re.compile(r"([0-9]{1,6}) (hour|day|week|month|year)s? ago")
_HOURS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24, "year": 365 * 24}
_HEAP = re.compile(HEAP_OF_SIGNS)
_MAX_HOURS = 100 * 365 * 24
_ANCHOR = datetime(2000, 1, 1, tzinfo=UTC)


def shown(value: object) -> str:
    """Return a short, printable form of anything a caller sent, for use in a message."""
    if isinstance(value, str):
        head = "".join(c if c.isprintable() else " " for c in value[:40])
        return f"“{head}…”" if len(value) > 40 else f"“{head}”"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number of many digits"
    return "an object" if isinstance(value, Mapping) else "a list"


def read_scalar(value: object, field: FeatureField, op: Operator, path: str) -> Scalar:
    """Return `value` in the form that equal values share.

    Raises:
        Rejected: It is not a value that `field` can be compared with by `op`.
    """
    return _READERS[field.kind](value, field, op, path)


def is_relative(value: Scalar) -> bool:
    """Say whether a date in its shared form is relative to now."""
    return isinstance(value, str) and value.endswith(" ago")


def moment(value: str) -> datetime | timedelta:
    """Return a date in its shared form as a moment in UTC, or as how long ago it is."""
    if is_relative(value):
        count, unit, _ = value.split()
        return timedelta(hours=int(count) * _HOURS[unit.removesuffix("s")])
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def is_reversed(low: Scalar, high: Scalar) -> bool:
    """Say whether nothing lies between two numbers or two dates; False where time will tell."""
    if not isinstance(low, str) or not isinstance(high, str):
        return float(low) > float(high)
    if is_relative(low) != is_relative(high):
        return False
    return age(low, _ANCHOR) < age(high, _ANCHOR)


def position(value: Scalar) -> datetime | float:
    """Return where a number or a date stands among those of its sort: later is greater.

    Moments have a place of their own; what is relative to now is placed among its like.
    """
    if not isinstance(value, str):
        return float(value)
    at = moment(value)
    return at if isinstance(at, datetime) else -at.total_seconds()


def age(value: str, now: datetime) -> timedelta:
    """Return how long before `now` a date in its shared form is."""
    at = moment(value)
    return at if isinstance(at, timedelta) else now - at


def _read_number(value: object, field: FeatureField, op: Operator, path: str) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, int | float):
        mend = "without quotes, such as 500" if isinstance(value, str) else "such as 500"
        raise Rejected(f"{field.name} needs a number, {mend}; this is {shown(value)}", field=path)
    if not abs(value) <= MAX_NUMBER:  # which NaN is not, either
        raise Rejected(f"{field.name} needs a number within ±{MAX_NUMBER}", field=path)
    return int(value) if value == int(value) else value


def _read_boolean(value: object, field: FeatureField, op: Operator, path: str) -> Scalar:
    if not isinstance(value, bool):
        raise Rejected(
            f"{field.name} needs true or false, without quotes; this is {shown(value)}", field=path
        )
    return value


def _read_text(value: object, field: FeatureField, op: Operator, path: str) -> Scalar:
    text = _clean(value, field, path)
    if op in ("matches", "similar to"):
        text = " ".join(text.split())
        if not any(unicodedata.category(c)[0] in "LN" for c in text):
            raise Rejected(f"{op} needs a letter or a digit; this is {shown(value)}", field=path)
        if op == "matches" and _HEAP.search(text):
            raise Rejected(
                f"{op} takes at most {MAX_SIGNS} “-” between two words: remove some", field=path
            )
        return text
    return text.translate(_FOLD)


def _read_element(value: object, field: FeatureField, op: Operator, path: str) -> Scalar:
    text = _clean(value, field, path).strip().lower()
    if field.name == "hashtags":
        text = text.lstrip("#").strip()
    return _bounded(_composed(text), field, path)


def _read_date(value: object, field: FeatureField, op: Operator, path: str) -> Scalar:
    text = " ".join(_clean(value, field, path).lower().split())
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        return _read_absolute(text, field, path)
    if op in ("=", "!=", "in", "not in"):
        raise Rejected(
            f"nothing equals a moving moment such as {shown(text)}: use <, >= or between",
            field=path,
        )
    hours = int(relative[1]) * _HOURS[relative[2]]
    if not 1 <= hours <= _MAX_HOURS:
        raise Rejected(f"{shown(text)} is not between 1 hour and 100 years ago", field=path)
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


def _read_absolute(text: str, field: FeatureField, path: str) -> str:
    try:
        parsed = datetime.fromisoformat(text.upper())
        at = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Rejected(
            f"{field.name} needs a date such as 2026-01-31, 2026-01-31T09:30:00Z or "
            f"“30 days ago”; this is {shown(text)}",
            field=path,
        ) from None
    iso = at.replace(tzinfo=None).isoformat()
    return iso.removesuffix("T00:00:00") if iso.endswith("T00:00:00") else iso + "Z"


def _clean(value: object, field: FeatureField, path: str) -> str:
    if not isinstance(value, str):
        raise Rejected(f"{field.name} needs text in quotes; this is {shown(value)}", field=path)
    if "\x00" in value:
        raise Rejected("text must not contain the character NUL: remove it", field=path)
    if len(value) <= MAX_TEXT and any("\ud800" <= c <= "\udfff" for c in value):
        raise Rejected("text must not contain half a surrogate pair: remove it", field=path)
    return _bounded(_composed(value) if len(value) <= MAX_TEXT else value, field, path)


def _composed(text: str) -> str:
    """Return the form (NFC) that the texts of profiles are held in."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _bounded(text: str, field: FeatureField, path: str) -> str:
    if not text.strip():
        raise Rejected(
            f"{field.name} needs text that is not blank; to ask for unknown, use exists", field=path
        )
    if len(text) > MAX_TEXT:
        raise Rejected(f"text is longer than {MAX_TEXT} characters: shorten it", field=path)
    return text


_READERS: Mapping[FieldKind, Callable[[object, FeatureField, Operator, str], Scalar]] = {
    "number": _read_number,
    "date": _read_date,
    "boolean": _read_boolean,
    "enumeration": _read_text,
    "text": _read_text,
    "array": _read_element,
}
