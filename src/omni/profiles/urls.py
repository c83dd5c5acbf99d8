"""URLs: which host one names, and where they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

MAX_URL = 2_000
# Letter by letter, and by its first letter first: a pattern that ignores case is five times slower,
# and one whose alternatives have no common beginning is tried at every character.
_IN_TEXT = re.compile(
    r"([hHwW](?:(?<=[hH])[tT][tT][pP][sS]?://|(?<=\b[wW])[wW][wW]\.)[^\s<>\"'`\\{}|^\[\]]+)"
)
_TRAILING = ".,;:!?)]}»”’*…"
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_USUAL = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(?:/[!\"$-~]*(?<!\?))?")
"""What most URLs look like: nothing in them is in need of mending."""


_PLAIN_HOST = re.compile(r"https?://([a-z0-9.-]+)(?:[/?]|$)")


def is_usual(url: str) -> bool:
    """Tell whether `web_url` would plainly return a URL as it is."""
    return len(url) <= MAX_URL and _USUAL.fullmatch(url) is not None


def web_url(text: str) -> str | None:
    """Return `text` as an absolute http(s) URL without user and fragment, None if it is none."""
    if is_usual(text):
        return text
    text = text.strip()
    if len(text) > MAX_URL or not text.isprintable() or any(char.isspace() for char in text):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    place = shown if port is None else f"{shown}:{port}"
    return urlunsplit((parts.scheme.lower(), place, parts.path, parts.query, ""))


def urls_in(text: str) -> list[str]:
    """Return the URLs that stand in a text, in order, each once."""
    return part_urls(text)[0]


def without_urls(text: str) -> str:
    """Return `text` with a space for each URL."""
    if "://" not in text and "ww." not in text.lower():
        return text
    return _IN_TEXT.sub(" ", text)


def part_urls(text: str) -> tuple[list[str], str]:
    """Return what `urls_in` and `without_urls` return, for one walk through the text."""
    if "://" not in text and "ww." not in text.lower():
        return [], text
    pieces = _IN_TEXT.split(text)
    found = [url.rstrip(_TRAILING) for url in pieces[1::2]]
    absolute = [f"https://{url}" if url[:4].lower() == "www." else url for url in found]
    return list(dict.fromkeys(filter(None, map(web_url, absolute)))), " ".join(pieces[::2])


def domains_of(urls: Iterable[str], limit: int) -> tuple[str, ...]:
    """Return the host names that the URLs lead to, sorted, each once, without `www.`."""
    hosts = {_host(url).removeprefix("www.").rstrip(".") for url in urls}
    return tuple(sorted(host for host in hosts if _HOST.fullmatch(host))[:limit])


def _host(url: str) -> str:
    plain = _PLAIN_HOST.match(url)
    return plain[1] if plain else urlsplit(url).hostname or ""
