"""Which country a person names: by a flag, or by a place from a small gazetteer."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import msgspec

from omni.profiles.text import plain

_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_NATIONS = {"\U000e0067\U000e0062": "GB"}  # England, Scotland and Wales are tagged sequences
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*\.?")
_LONGEST = 4


def country_of(text: str) -> str | None:
    """Return the ISO 3166-1 code of the country that `text` names, None if it names none.

    A single flag decides: it is put there on purpose. With several flags, or none, the first place
    that is named does; failing that, the first of the flags.
    """
    flags = flags_in(text)
    if len(set(flags)) == 1:
        return flags[0]
    return _place_in(text) or next(iter(flags), None)


def flags_in(text: str) -> list[str]:
    """Return the codes of the flags in a text, in order; those of no country are left out."""
    codes = [
        "".join(chr(ord(letter) - 0x1F1E6 + ord("A")) for letter in match.group())
        for match in _FLAG.finditer(text)
    ]
    codes += [code for tag, code in _NATIONS.items() if tag in text]
    return [code for code in codes if code in _iso_codes()]


def _place_in(text: str) -> str | None:
    words = [match.group() for match in _WORD.finditer(text)]
    folded = [plain(word).rstrip(".") for word in words]
    for start, first in enumerate(folded):
        if first not in _first_words():
            continue
        for end in range(min(start + _LONGEST, len(words)), start, -1):
            exact, loose = " ".join(words[start:end]), " ".join(folded[start:end])
            if code := _exact().get(exact) or _loose().get(loose):
                return code
    return None


@cache
def _gazetteer() -> dict[str, tuple[str, ...]]:
    data = (resources.files("omni.profiles") / "places.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, tuple[str, ...]])


@cache
def _exact() -> dict[str, str]:
    """Names that are written with capitals because their small form means something else."""
    return {n: code for code, names in _gazetteer().items() for n in names if n != n.lower()}


@cache
def _loose() -> dict[str, str]:
    """Names that are recognised in any spelling of capitals and accents."""
    return {plain(n): code for code, names in _gazetteer().items() for n in names if n == n.lower()}


@cache
def _first_words() -> frozenset[str]:
    names = (*_exact(), *_loose())
    return frozenset(plain(name.partition(" ")[0]).rstrip(".") for name in names)


@cache
def _iso_codes() -> frozenset[str]:
    """The codes of ISO 3166-1, from which flags are made."""
    return frozenset((resources.files("omni.profiles") / "countries.txt").read_text().split())
