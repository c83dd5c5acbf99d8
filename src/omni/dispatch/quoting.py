"""The words of a profile that a text stands on: whether they are quoted, and not turned round.

A quote is a whole clause of the profile, from one mark of punctuation to the next, word for word.
Where people speak of themselves in a language that `languages` knows, it may leave out the "I" and
what follows it in the clause; but never where a "not" of any such language stands in that sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from omni.dispatch.drafting_types import Claim
from omni.dispatch.languages import ME, PLAIN, TURNS
from omni.dispatch.wording import (
    BARE,
    QUOTED,
    is_ending,
    is_of_word,
    is_unspaced,
    normal,
    short,
    words,
)

LEAST_QUOTE: Final = 3
"""Letters and digits that a quote has at least."""
_CLAUSE = re.compile(r"[.!?…。,;:،、؛؟।|/•·–—()\[\]\"“”„«»「」『』]|\s-\s")
_STOP = re.compile(r"[.!?…。؟।|•]")
_OPENING = frozenset("\"'“„«»‚‘‹›「『”")
_CLOSING = frozenset("\"'”“«»’‘‹›」』")


def problem_of_claims(text: str, claims: Sequence[Claim], evidence: Sequence[str]) -> str | None:
    """Tell in words which claim does not stand on the words of the profile, or None."""
    whole = normal(text)
    for claim in claims:
        if not _has_enough(claim.claim) or normal(claim.claim) not in whole:
            return f"claims what the text does not say: “{short(claim.claim)}”"
        if not _has_enough(claim.quote) or not any(_places(claim.quote, e) for e in evidence):
            return f"quotes what the profile does not say: “{short(claim.quote)}”"
        if not any(_is_whole(claim.quote, each) for each in evidence):
            return f"quotes a part that says something else alone: “{short(claim.quote)}”"
        if not any(_spans(core, normal(claim.claim)) for core in _cores(claim.quote)):
            return (
                f"says “{short(claim.claim)}”, which is not in the words of the profile:"
                f" “{short(claim.quote)}”"
            )
    return None


def mask_quotes(text: str, claims: Iterable[Claim]) -> str:
    """Return a text in `lines` form with a mark for each quote of its claims."""
    cores = {core for claim in claims for core in _cores(claim.quote)}
    for core in sorted(cores, key=len, reverse=True):
        for begin, end in reversed(_spans(core, text)):
            text = _masked(text, begin, end)
    return text


def _masked(text: str, begin: int, end: int) -> str:
    before, after = text[:begin].rstrip(" "), text[end:].lstrip(" ")
    closes = after.lstrip(".,!?。")[:1] in _CLOSING if after else False
    if before[-1:] in _OPENING and before and closes:
        ends = len(after) - len(after.lstrip(".,!?。"))
        return before[:-1] + QUOTED + after[ends + 1 :]
    return text[:begin] + BARE + text[end:]


def _cores(quote: str) -> list[str]:
    """Return a quote, and what it says without the "I" before it."""
    whole = normal(quote).strip(" .,;:!?\"'“”„«»「」")
    parts = whole.split(" ")
    while len(parts) > 1 and parts[0] in ME:
        parts = parts[1:]
    core = " ".join(parts)
    return [whole, core] if core != whole and _has_enough(core) else [whole]


def _spans(core: str, text: str) -> list[tuple[int, int]]:
    """Return where words stand in a text, from the beginning of a word on.

    In scripts with spaces up to the end of one, which may have another ending.
    """
    found: list[tuple[int, int]] = []
    begin = text.find(core) if core else -1
    while begin >= 0:
        end = begin + len(core)
        rest = _rest_of_word(text, end)
        apart = is_unspaced(core) or not is_of_word(text[begin - 1 : begin] if begin else "")
        if apart and (is_unspaced(core) or not rest or is_ending(rest)):
            found.append((begin, end if is_unspaced(core) else end + len(rest)))
            begin = text.find(core, end)
        else:
            begin = text.find(core, begin + 1)
    return found


def _rest_of_word(text: str, start: int) -> str:
    end = start
    while is_of_word(text[end : end + 1]):
        end += 1
    return text[start:end]


def _places(quote: str, evidence: str) -> list[tuple[int, int]]:
    """Return where a quote stands in the words of the profile, sign for sign."""
    wanted, whole = normal(quote), normal(evidence)
    begin, found = whole.find(wanted), list[tuple[int, int]]()
    while begin >= 0:
        found.append((begin, begin + len(wanted)))
        begin = whole.find(wanted, begin + 1)
    return found


def _is_whole(quote: str, evidence: str) -> bool:
    """Tell whether a quote says by itself what it says in its place, in one of its places."""
    whole = normal(evidence)
    return any(_is_whole_at(whole, begin, end) for begin, end in _places(quote, evidence))


def _is_whole_at(whole: str, begin: int, end: int) -> bool:
    if is_of_word(whole[end - 1]) and is_of_word(whole[end : end + 1]):
        return False
    before = _CLAUSE.split(whole[:begin])[-1]
    after = _CLAUSE.split(whole[end:])[0]
    head, tail = words(before), words(after)
    speaks = all(word in ME for word in head)
    known = not is_unspaced(whole) and any(
        word in PLAIN for word in [*head, *words(whole[begin:end]), *tail]
    )
    if not speaks or (tail and not known):
        return False
    around = words(_STOP.split(whole[:begin])[-1]) + words(_STOP.split(whole[end:])[0])
    return not any(word in TURNS or _ends_turning(word) for word in around)


def _ends_turning(word: str) -> bool:
    return is_unspaced(word) and any(word.endswith(turn) for turn in TURNS if is_unspaced(turn))


def _has_enough(text: str) -> bool:
    return sum(sign.isalnum() for sign in normal(text)) >= LEAST_QUOTE
