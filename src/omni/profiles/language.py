"""Which language a person writes in; unknown where it cannot be told with some confidence."""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from omni.profiles.urls import without_urls

LEAST_LETTERS = 20
LEAST_CONFIDENCE = 0.6
_READ = 500
"""Characters that are looked at; more do not change the answer."""
_NO_LANGUAGE = re.compile(r"[@#]\S+|[^\w\s.,;:!?'’-]|\d|_")

# The model knows 140 languages; among rare relatives of the common ones it splits its confidence.
_LANGUAGES = [
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga",
    "gl", "he", "hi", "hr", "hu", "id", "is", "it", "ja", "ka", "ko", "lt", "lv", "mk", "ms", "nl",
    "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "th", "tl", "tr", "uk",
    "ur", "vi", "zh",
]  # fmt: skip


def language_of(text: str) -> str | None:
    """Return the ISO 639-1 code of the language of `text`, None where it is too short or unclear.

    Names, hashtags, links and emoji tell no language and are not read.
    """
    words = _NO_LANGUAGE.sub(" ", without_urls(text[: 4 * _READ]))[:_READ]
    if sum(map(str.isalpha, words)) < LEAST_LETTERS:
        return None
    code, confidence = _identifier().classify(words)
    return code if confidence >= LEAST_CONFIDENCE else None


@cache
def _identifier() -> LanguageIdentifier:
    """Load the model, once a process: it takes half a second."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES)
    return identifier
