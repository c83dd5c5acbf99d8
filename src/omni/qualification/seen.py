"""What a judge sees of a profile, and whether a quote is found in it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, cast

MAX_TEXT = 1_500
"""The most characters of one text that a judge sees."""
MAX_ITEMS = 20
MAX_CHARS = 6_000
"""The most characters that a judge sees of one person."""
MAX_URL = 500

_KEPT_CONTROLS = "\n\t"
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})
_URL_KEYS = frozenset({"links"})
_UNSHOWN = frozenset({"images"})
"""Addresses of pictures say nothing, and expire: a judge that sees is shown the pictures."""
_FIRST = ("platform", "username", "name", "bio", "hashtags", "posts")


def visible(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a view that a judge is shown.

    Characters that people cannot see (controls, zero width, direction marks, tags) are taken out,
    since hidden text is for machines only; unknown values are left out; texts, lists and the whole
    are cut to bounds. The same view always gives the same part.
    """
    shown: dict[str, Any] = {}
    room = MAX_CHARS
    for key in sorted(view.keys() - _UNSHOWN, key=_priority):
        kept = _kept(key, view[key], room)
        if kept is None or kept in ("", []):
            continue
        shown[key] = kept
        room -= sum(len(text) for text in _leaves(kept))
    return shown


def visible_text(text: str) -> str:
    """Return `text` without the characters that people cannot see."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        sign
        for sign in text
        if sign in _KEPT_CONTROLS or unicodedata.category(sign) not in _UNSEEN_CATEGORIES
    )


def is_quoted(evidence: str, shown: Mapping[str, Any]) -> bool:
    """Tell whether `evidence` stands word for word in what the judge was shown.

    White space and case are not compared, since models change them. A number or a flag is quoted
    with its name. A quote of fewer than three letters or digits would be found by chance, so it
    must be the whole of a text, or be of a script that writes words in one or two signs.
    """
    quoted = _normal(evidence)
    if not quoted:
        return False
    texts = [_normal(text) for text in _texts(shown)]
    if quoted in texts or quoted in map(_normal, _facts(shown)):
        return True
    return _is_telling(quoted) and any(quoted in text for text in texts)


def _priority(key: str) -> tuple[int, str]:
    """Say who gets the room first: what tells most."""
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)


def _kept(key: str, value: Any, room: int) -> Any:
    if isinstance(value, str):
        return visible_text(value)[: min(MAX_TEXT, max(0, room))].strip()
    if isinstance(value, list | tuple):
        return _kept_items(key, list(cast(list[Any], value)[:MAX_ITEMS]), room)
    return value if isinstance(value, bool | int | float) else None


def _kept_items(key: str, items: list[Any], room: int) -> list[str]:
    kept: list[str] = []
    for item in items:
        text = _kept(key, item, room) if isinstance(item, str) else ""
        # Half a URL leads elsewhere, so it is left out whole.
        if key in _URL_KEYS and (len(item) > min(MAX_URL, room) or not _is_web_url(text)):
            continue
        if text:
            kept.append(text)
            room -= len(text)
    return kept


def _is_web_url(text: str) -> bool:
    return text.startswith(("https://", "http://")) and not any(sign.isspace() for sign in text)


def _leaves(value: Any) -> list[str]:
    return cast(list[str], value) if isinstance(value, list) else [str(value)]


def _texts(shown: Mapping[str, Any]) -> Iterator[str]:
    for value in shown.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from cast(list[str], value)


def _facts(shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield numbers and flags with their names, as people and as JSON write them."""
    for key, value in shown.items():
        if isinstance(value, bool | int | float):
            yield f"{key}: {json.dumps(value)}"
            yield f'"{key}": {json.dumps(value)}'


def _normal(text: str) -> str:
    """Return `text` with one form for equal signs, cases and white space."""
    return " ".join(unicodedata.normalize("NFKC", visible_text(text)).casefold().split())


def _is_telling(quoted: str) -> bool:
    letters = [sign for sign in quoted if sign.isalnum()]
    return len(letters) >= 3 or any(ord(sign) > 0x2E7F for sign in quoted)
