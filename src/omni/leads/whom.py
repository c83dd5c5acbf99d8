"""Whom a person means by what they paste: an id, a name, or the link of a profile. Pure.

What can stand for nobody is refused with what to enter instead: a suppression that nobody fits
would be no protection, and nobody would notice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from omni.base.errors import Rejected

MAX_VALUE: Final = 600
"""Characters of an id, a username or a domain."""

_HOST = r"[^\W_](?:[\w.-]{0,251}[^\W_])?(?::[0-9]{1,5})?"
_FEDIVERSE_NAME = re.compile(rf"(?:acct:)?@?([\w.-]{{1,200}})@({_HOST})")
_FEDIVERSE_PATH = re.compile(r"/(?:web/)?(?:@|users/)([\w.-]{1,200})(?:@([^/@]+))?(?:/.*)?")
_MXID = re.compile(r"@[^\s:]+:[^\s/]+")
_MATRIX_LINK = re.compile(r"(?:https?://)?matrix\.to/#/(?:user/)?([^?]+)(?:\?.*)?", re.I)
_MATRIX_URI = re.compile(r"(?:matrix:)?u(?:ser)?/([^@?][^?]*)(?:\?.*)?", re.I)
_BLUESKY_LINK = re.compile(
    r"(?:(?:https?://)?(?:[\w-]+\.)*bsky\.app/profile/|at://)([^/?#]+)(?:[/?#].*)?", re.I
)
_DID = re.compile(r"did:[a-z0-9]+:[\w.:%-]+", re.I)
_HANDLE = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]*")

_ENTER: Final[Mapping[str, str]] = {
    "bluesky": "a handle such as ann.bsky.social, a DID, or the link of the profile",
    "mastodon": "a name such as @ann@server.example, or the link of the profile",
    "matrix": "an id such as @ann:server.example, or a link of matrix.to",
}


def read_person(platform: str, text: str) -> tuple[str, ...]:
    """Return how somebody of a platform may be known: their immutable id, or username, or both.

    Each as it is and in lower case: names are typed in any case.

    Args:
        platform: Where they are.
        text: An id, a username with or without the @ before it, or the link of a profile.

    Raises:
        Rejected: It can be nobody there (field `platform_id`).
    """
    person = unquote(text.strip()) if "%40" in text.lower() else text.strip()
    if person in ("", "*", "@") or len(person) > MAX_VALUE or not person.isprintable():
        raise Rejected(f"not somebody's id or username: {text[:60]!r}", field="platform_id")
    found = _READERS.get(platform, _as_it_is)(person)
    if found is None:
        other = platform_of(person)
        where = f", a link or name of {other}" if other not in (None, platform) else ""
        raise Rejected(
            f"nobody on {platform} is {text.strip()[:60]!r}{where}: enter {_ENTER[platform]}",
            field="platform_id",
        )
    composed = [unicodedata.normalize("NFC", each) for each in found]
    return tuple(dict.fromkeys((*found, *composed, *(each.lower() for each in composed))))


def platform_of(text: str) -> str | None:
    """Return the platform whose link, id or full name a text is; None where it does not say."""
    person = unquote(text.strip())
    if _BLUESKY_LINK.fullmatch(person) or re.match(r"did:(?:plc|web):", person, re.I):
        return "bluesky"
    if _MATRIX_LINK.fullmatch(person) or _MXID.fullmatch(person):
        return "matrix"
    if person.lower().startswith("matrix:u"):
        return "matrix"
    named = person.startswith(("@", "acct:")) and _FEDIVERSE_NAME.fullmatch(person)
    return "mastodon" if named or _fediverse_link(person) else None


def is_link(text: str) -> bool:
    """Tell whether a text is the address of somebody's profile rather than of a site."""
    return "/" in text and platform_of(text) is not None


def _bluesky(person: str) -> tuple[str, ...] | None:
    link = _BLUESKY_LINK.fullmatch(person)
    who = (link[1] if link else person).removeprefix("@")
    return (who,) if _DID.fullmatch(who) or _HANDLE.fullmatch(who) else None


def _matrix(person: str) -> tuple[str, ...] | None:
    if link := _MATRIX_LINK.fullmatch(person):
        person = unquote(link[1])
    elif uri := _MATRIX_URI.fullmatch(person):
        person = f"@{uri[1]}"
    return (person,) if _MXID.fullmatch(person) else None


def _mastodon(person: str) -> tuple[str, ...] | None:
    if found := _fediverse_link(person):
        return _fediverse_keys(*found)
    if named := _FEDIVERSE_NAME.fullmatch(person):
        return _fediverse_keys("https", named[2], named[1])
    # Servers of other software have other addresses: one with a path may be somebody's.
    parts = _parts(person)
    return (person,) if parts is not None and parts.path.strip("/") else None


def _fediverse_keys(scheme: str, host: str, name: str) -> tuple[str, ...]:
    server = host.rpartition(":")[0] or host
    return (f"{name}@{server}", f"{scheme}://{host}/@{name}", f"{scheme}://{host}/users/{name}")


def _fediverse_link(person: str) -> tuple[str, str, str] | None:
    """Return scheme, server and name of a profile's address; servers show others' people, too."""
    parts = _parts(_https(person)) if "/" in person else None
    found = _FEDIVERSE_PATH.fullmatch(parts.path.rstrip("/")) if parts else None
    if parts is None or found is None:
        return None
    if found[2]:
        return "https", found[2], found[1]
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2], found[1]


def _https(person: str) -> str:
    return person if re.match(r"https?://", person, re.I) else f"https://{person}"


def _parts(person: str) -> SplitResult | None:
    try:
        parts = urlsplit(person)
        usual = parts.scheme.lower() in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usual else None


def _as_it_is(person: str) -> tuple[str, ...]:
    if person.startswith("@") and ":" not in person:
        return (person[1:].lower(),)
    return (person,)


_READERS: Final[Mapping[str, Callable[[str], tuple[str, ...] | None]]] = {
    "bluesky": _bluesky,
    "mastodon": _mastodon,
    "matrix": _matrix,
}
