"""What the values of seeds have in common, whatever the platform. Pure."""

from __future__ import annotations

from omni.base.errors import Rejected


def read_words(value: str, *, site: str, most: int) -> str:
    """Return the words to search for, with single spaces between them.

    Args:
        value: As a person typed it.
        site: The platform's name, for people.
        most: The most characters that it takes.

    Raises:
        Rejected: There are none, or too many.
    """
    text = " ".join(value.split())
    if not 0 < len(text) <= most:
        raise Rejected(f"a {site} search needs 1 to {most} characters", field="seed_value")
    return text
