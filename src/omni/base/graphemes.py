"""How long a text is for the person who reads it."""

from __future__ import annotations

import regex


def count_graphemes(text: str) -> int:
    """Return how many signs a person sees, as platforms count them.

    They are the extended grapheme clusters of Unicode's annex 29: a family of emoji is one, and so
    is a letter with all its accents.
    """
    return len(regex.findall(r"\X", text))
