"""Other people's text made harmless: no control characters, bounded, one form for equal words."""

from __future__ import annotations

import re
import unicodedata

# Control characters except tab and newline, the embeddings and overrides of the writing direction
# (they let a text read as another one), and the byte order mark. Joiners stay: emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_BREAK = re.compile(r"\r\n?|\u2028|\u2029")


def clean(text: str | None, limit: int) -> str | None:
    """Return `text` fit for a database and a prompt, at most `limit` characters; None if empty.

    Evil characters become spaces rather than nothing, so that they part words as they did before.
    """
    if not text:
        return None
    text = text[: 4 * limit]  # what is cut off anyway need not be looked at
    if not text.isascii() or not text.isprintable():
        text = _UNWANTED.sub(" ", _BREAK.sub("\n", text))
        text = unicodedata.normalize("NFC", text)
    return text.strip()[:limit].rstrip() or None


def clean_line(text: str | None, limit: int) -> str | None:
    """Return `text` as `clean` does, on one line and with single spaces."""
    cleaned = clean(text, 4 * limit) or ""
    return " ".join(cleaned.split())[:limit].rstrip() or None


def plain(text: str) -> str:
    """Return `text` in lower case and without accents, for comparing."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
