"""Which page an address means: the part of identity that two spellings share. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from posixpath import normpath
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

MAX_URL = 500
"""The most characters of a page's address."""

_PORTS = {"http": 80, "https": 443}
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|msclkid|mc_[ce]id|igshid|ref_src|_hs\w+", re.I)
_SAFE = "/:@!$&'()*+,;=~-._"
_NO_PAGE = re.compile(
    r"\.(png|jpe?g|gif|webp|svg|ico|css|js|json|xml|rss|atom|pdf|zip|gz|mp[34]|woff2?|txt|csv)$",
    re.I,
)


def normal_url(url: str, base: str = "") -> str | None:
    """Return the one spelling of an http(s) address; None if it is none that can be a page.

    Scheme and host are in lower case, the default port, the fragment, dot segments and parameters
    that only track visitors are gone, and characters are escaped in one way (RFC 3986, section 6).
    What tells pages apart on some servers stays: the order of parameters, the slash at the end.
    """
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        port, host = parts.port, (parts.hostname or "").encode("idna").decode().lower()
    except (ValueError, UnicodeError):
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host or parts.username is not None:
        return None
    place = f"[{host}]" if ":" in host else host.rstrip(".")
    if port is not None and port != _PORTS[scheme]:
        place = f"{place}:{port}"
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if not _TRACKING.fullmatch(name)]
    found = urlunsplit((scheme, place, _path(parts.path), urlencode(kept), ""))
    return found if len(found) <= MAX_URL else None


def _path(given: str) -> str:
    raw = unquote(given or "/", errors="surrogateescape")
    path = quote(raw.encode("utf-8", "surrogateescape"), _SAFE)
    if "/." not in path and "//" not in path:
        return path
    ends = "/" if path.endswith(("/", "/.", "/..")) else ""
    return re.sub("/+", "/", f"/{normpath('/' + path).lstrip('/')}{ends}")


def canonical_url(page: str, declared: Iterable[str]) -> str | None:
    """Return the address that a page is known by.

    That is the one it declares (`rel=canonical`) where it is of the same origin: a page must not be
    able to pass for one of somebody else. Otherwise it is its own.

    Args:
        page: Where the page was read.
        declared: What it declares, absolute or relative to the page.
    """
    own = normal_url(page)
    for each in declared:
        found = normal_url(each, page)
        if found and own and origin(found) == origin(own):
            return found
    return own


def origin(url: str) -> str:
    """Return scheme, host and port of a normal address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def may_be_page(url: str) -> bool:
    """Tell whether an address may lead to a page rather than to a file of another kind."""
    return not _NO_PAGE.search(urlsplit(url).path)


def name_of(url: str) -> str:
    """Return host and path, which people can read and type."""
    parts = urlsplit(url)
    return unquote(parts.netloc + parts.path.rstrip("/"), errors="replace")
