"""Criteria in a body that is too large or too deep to be read: what of them is too much, and where.

Whoever sends a million values is not helped by the number of bytes that a body may have. So the
beginning of such a body is read, without recursion and without holding more, and the criteria in it
are held against their bounds.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from omni.base.errors import Rejected
from omni.predicate.plan import compile_criteria
from omni.predicate.types import TooMuch

HEAD = 64 * 1024
"""Bytes of the beginning that are looked at: room for far more values than criteria may have."""

_DEEP = 64
"""Deeper than any criteria that compile."""

_SIGN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]+|"', re.DOTALL)


def excess_of(body: bytes) -> TooMuch | None:
    """Return what is too much of the criteria in the beginning of a JSON body, if something is."""
    document = read_head(body[:HEAD].decode(errors="replace"))
    if not isinstance(document, dict):
        return None
    try:
        compile_criteria(cast("dict[str, Any]", document).get("criteria"))
    except TooMuch as error:
        return error
    except Rejected:  # perhaps only because of where the beginning ends
        return None
    return None


def read_head(text: str) -> Any:
    """Return as much of a JSON document as its beginning holds, down to a bounded depth.

    What follows a mistake is left out.
    """
    root: list[Any] = []
    open_: list[list[Any] | dict[str, Any]] = [root]
    keys: list[str | None] = [None]
    for match in _SIGN.finditer(text):
        sign = match[0]
        inner = open_[-1]
        if sign in "]}":
            if len(open_) == 1:
                break
            open_.pop()
            keys.pop()
        elif sign == ",":
            keys[-1] = None
        elif sign != ":":
            value = _value(sign)
            if value is _NOTHING or len(open_) > _DEEP:
                break
            if isinstance(inner, list):
                inner.append(value)
            elif keys[-1] is not None:
                inner[keys[-1]] = value
            elif isinstance(value, str):
                keys[-1] = value
                continue
            else:
                break
            if sign in "[{":
                open_.append(value)
                keys.append(None)
    return root[0] if root else None


_NOTHING = object()


def _value(sign: str) -> Any:
    """Return a new list or object, or a scalar; `_NOTHING` if the sign is none of them."""
    if sign in "[{":
        return [] if sign == "[" else {}
    try:
        return json.loads(sign)
    except ValueError:
        return _NOTHING
