"""By which words a person is looked for in texts, JSON and logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import msgspec

SHORT = 4
"""A name of fewer characters is looked for only where it is a whole string of JSON: it is part of
too much else."""

_BEFORE = r"(?<![[:alnum:]_.-])"
_AFTER = r"(?![.@]?[[:alnum:]_-])"


def names_of(platform_id: str, aliases: Iterable[str]) -> tuple[str, ...]:
    """Return the names to look for, the longest first: a shorter one may be part of it."""
    names = {platform_id, *(alias.removeprefix("@") for alias in aliases)}
    return tuple(sorted((name for name in names if name.strip()), key=lambda n: (-len(n), n)))


def pattern_of(names: Iterable[str]) -> str:
    """Return a regular expression of Postgres that finds these names, in texts and in JSON.

    A name is found where it stands alone: `anna` is neither in `joanna` nor in `anna.example.org`.
    """
    return _pattern(names, _BEFORE, _AFTER)


def line_pattern(names: Iterable[str]) -> re.Pattern[bytes]:
    """Return what finds these names in a line of a log, as UTF-8 or escaped as JSON is."""
    told = [*names]
    escaped = [json.dumps(name)[1:-1] for name in told]
    text = _pattern(dict.fromkeys([*told, *escaped]), r"(?<![\w.-])", r"(?![.@]?[\w-])")
    return re.compile(text.encode(), re.IGNORECASE)


def _pattern(names: Iterable[str], before: str, after: str) -> str:
    free: list[str] = []
    quoted: list[str] = []
    for name in names:
        # As it is, and as JSON has it where that differs.
        forms = dict.fromkeys([name, msgspec.json.encode(name).decode()[1:-1]])
        for form in forms:
            whole = len(name) < SHORT or name.isdigit()
            (quoted if whole else free).append(re.escape(form))
    parts = [f"{before}(?:{'|'.join(free)}){after}"] if free else []
    parts += [f'(?<=")@?(?:{"|".join(quoted)})(?=")'] if quoted else []
    return "|".join(parts) or r"(?!)"
