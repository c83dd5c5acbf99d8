"""URLs: which part of one lasts, which host it names, and where they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MAX_URL = 2_000
_IN_TEXT = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"'`\\{}|^\[\]]+", re.IGNORECASE)
_TRAILING = ".,;:!?)]}»”’*…"
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")

# What storage and picture services put into a URL to let it expire or to route it: signatures,
# dates, keys, caches. The same picture comes with other values at every reading.
_PASSING = re.compile(
    r"x-amz-.*|x-goog-.*|expires|signature|sig|key-pair-id|policy|awsaccesskeyid|googleaccessid"
    r"|se|sp|sv|sr|st|spr|token|oh|oe|_nc_.*|stp|ccb|efg|edm|hmac|exp|hdnea|hdnts",
    re.IGNORECASE,
)


def web_url(text: str) -> str | None:
    """Return `text` as an absolute http(s) URL without user and fragment, None if it is none."""
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


def lasting_url(url: str) -> str:
    """Return `url` without the parameters that expire, for comparing: the rest keeps its order."""
    parts = urlsplit(url)
    if not parts.query:
        return url
    given = parse_qsl(parts.query, keep_blank_values=True)
    lasting = [(name, value) for name, value in given if not _PASSING.fullmatch(name)]
    if len(lasting) == len(given):
        return url
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(lasting), ""))


def urls_in(text: str) -> list[str]:
    """Return the URLs that stand in a text, in order, each once."""
    found = (match.group().rstrip(_TRAILING) for match in _IN_TEXT.finditer(text))
    absolute = (f"https://{url}" if url[:4].lower() == "www." else url for url in found)
    return list(dict.fromkeys(filter(None, map(web_url, absolute))))


def without_urls(text: str) -> str:
    """Return `text` with a space for each URL."""
    return _IN_TEXT.sub(" ", text)


def domains_of(urls: Iterable[str], limit: int) -> tuple[str, ...]:
    """Return the host names that the URLs lead to, sorted, each once, without `www.`."""
    hosts = {(urlsplit(url).hostname or "").removeprefix("www.").rstrip(".") for url in urls}
    return tuple(sorted(host for host in hosts if _HOST.fullmatch(host))[:limit])
