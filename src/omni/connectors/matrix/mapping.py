"""From Matrix' identifiers and profiles to the common shape. Pure.

By the client-server API, https://spec.matrix.org/latest/client-server-api/, and its appendix on
identifiers. A profile has a name and a picture; since version 1.16 of the specification it may hold
further fields, of which a biography is one (`m.biography`, MSC4440). There are no followers, and
what people say in rooms is talk, not publication: it is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from omni.base.errors import Rejected
from omni.connectors.seeds import read_words
from omni.connectors.types import RawProfile
from omni.connectors.values import fields_of, items_of, text_in

PLATFORM = "matrix"
MAX_SEARCH_CHARS = 200
MAX_FIELDS = 20
AUTHENTICATED_MEDIA = "_matrix/client/v1/media/download"
OPEN_MEDIA = "_matrix/media/v3/download"

_SERVER = r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,229}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
_USER = re.compile(rf"@[\x21-\x39\x3b-\x7e]{{1,200}}:{_SERVER}")
_ALIAS = re.compile(rf"#[^\s:\x00]{{1,200}}:{_SERVER}")
_ROOM = re.compile(rf"![^\s:\x00]{{1,250}}(?::{_SERVER})?")
_MXC = re.compile(rf"mxc://({_SERVER})/([A-Za-z0-9_-]{{1,255}})")
_LINK = re.compile(r"https?://matrix\.to/#/([^/?]+).*")
_URI = re.compile(r"matrix:(u|r|roomid)/([^/?]+).*")
_SIGILS = {"u": "@", "r": "#", "roomid": "!"}
_AUTHENTICATED_SINCE = (1, 11)
_VERSION = re.compile(r"v([0-9]{1,4})\.([0-9]{1,4})")
_BIOGRAPHIES = ("m.biography", "gay.fomx.biography")
_OPTED_OUT = re.compile(r"(?<![\w#])#(?:nobots?|noindex|nosearch)\b", re.IGNORECASE)


def read_user(value: str) -> str:
    """Return the user id that a person means by `value`.

    Args:
        value: `@ann:far.example`, or a link to it (matrix.to or `matrix:`).

    Raises:
        Rejected: It is none.
    """
    text = _unlinked(value)
    if is_user_id(text):
        return text
    message = f"not a Matrix user id: {value[:100]!r}; write it like @ann:matrix.example"
    raise Rejected(message, field="seed_value")


def read_room(value: str) -> str:
    """Return the alias or id of the room that a person means by `value`.

    Args:
        value: `#climate:far.example`, `!id:far.example`, or a link to it.

    Raises:
        Rejected: It is none.
    """
    text = _unlinked(value)
    if len(text) <= 255 and (_ALIAS.fullmatch(text) or _ROOM.fullmatch(text)):
        return text
    message = f"not a Matrix room: {value[:100]!r}; write it like #climate:matrix.example"
    raise Rejected(message, field="seed_value")


def read_search(value: str) -> str:
    """Return the words to search for.

    Raises:
        Rejected: There are none, or too many.
    """
    return read_words(value, site="Matrix", most=MAX_SEARCH_CHARS)


def is_user_id(value: object) -> bool:
    """Tell whether `value` has the form of a user id."""
    return isinstance(value, str) and len(value) <= 255 and _USER.fullmatch(value) is not None


def is_person(user_id: object) -> bool:
    """Tell whether a user id may be a person's: bridges' users (`@_irc_ann:…`) are elsewhere."""
    return is_user_id(user_id) and not str(user_id).startswith("@_")


def wants_authenticated_media(versions: object) -> bool:
    """Tell by the answer of `/versions` whether media are given to tokens only (since 1.11)."""
    told = items_of(fields_of(versions).get("versions"))
    found = [_VERSION.fullmatch(version) for version in told if isinstance(version, str)]
    known = [(int(each[1]), int(each[2])) for each in found if each]
    return any(version >= _AUTHENTICATED_SINCE for version in known)


def media_url(base_url: str, mxc: str | None, *, authenticated: bool) -> str | None:
    """Return where the homeserver gives out a medium; None if `mxc` names none."""
    named = _MXC.fullmatch(mxc or "")
    if named is None:
        return None
    path = AUTHENTICATED_MEDIA if authenticated else OPEN_MEDIA
    return f"{base_url}/{path}/{quote(named[1], safe=':[]')}/{named[2]}"


def map_profile(user_id: str, profile: object, *, base_url: str, authenticated: bool) -> RawProfile:
    """Map the answer of `/profile/{userId}`.

    Not discoverable: who writes #nobot, #noindex or #nosearch into name or biography.

    Args:
        user_id: Whose profile it is.
        profile: The answer as it was received.
        base_url: The homeserver's, without a slash at the end: it gives out the picture.
        authenticated: Whether it does so for a token only.
    """
    fields = fields_of(profile)
    name, bio = text_in(fields, "displayname"), _biography(fields)
    avatar = media_url(base_url, text_in(fields, "avatar_url"), authenticated=authenticated)
    return RawProfile(
        platform=PLATFORM,
        platform_id=user_id,
        username=user_id,
        display_name=name,
        bio=bio,
        discoverable=not any(_OPTED_OUT.search(text) for text in (name, bio) if text),
        image_urls=(avatar,) if avatar else (),
        extra=_extra(fields),
    )


def _biography(fields: Mapping[str, Any]) -> str | None:
    """Return the plain text of a biography; its text blocks (MSC1767) name their media types."""
    for name in _BIOGRAPHIES:
        for block in map(fields_of, items_of(fields_of(fields.get(name)).get("m.text"))):
            if text_in(block, "mimetype") in (None, "text/plain"):
                return text_in(block, "body")
    return None


def _extra(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the further fields that are texts, such as the time zone `m.tz`."""
    names = sorted(name for name in fields if text_in(fields, name))
    further = [name for name in names if name not in ("displayname", "avatar_url")]
    return {name: fields[name] for name in further[:MAX_FIELDS]}


def _unlinked(value: str) -> str:
    text = value.strip()
    if link := _LINK.fullmatch(text):
        return unquote(link[1])
    if uri := _URI.fullmatch(text):
        return _SIGILS[uri[1]] + unquote(uri[2])
    return text
