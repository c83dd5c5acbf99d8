"""What the columns of a file probably mean, by their names and by what is in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from omni.connectors.file.people import text_or_none
from omni.connectors.file.types import SEVERAL, Row, RowMap, Target

_NAMES: Mapping[Target, str] = {
    "platform": "platform network source site service",
    "platform_id": "id platformid did userid accountid profileid mxid uid uuid externalid"
    " customerid accountnumber",
    "username": "username handle user screenname login acct account nick nickname"
    " preferredusername benutzername",
    "display_name": "name displayname fullname realname title contact contactname person",
    "bio": "bio description about summary note notes headline biography profile text beschreibung",
    "email": "email mail emailaddress",
    "link": "url link website homepage web site profileurl href blog links",
    "image": "avatar image picture photo avatarurl imageurl pictureurl photourl banner images",
    "post": "post posts lastpost tweet toot status statuses recentposts",
    "followers": "followers followercount followerscount followersnumber numfollowers",
    "follows": "follows following followscount followingcount friends friendscount",
    "posts_count": "postscount postcount numposts statusescount statuscount tweetcount",
    "created_at": "createdat created joined joindate registered since accountcreated createdon",
    "is_bot": "bot isbot",
    "accepts_messages": "acceptsmessages dm dms candm messages",
    "discoverable": "discoverable optin consent",
}
_BY_NAME: Mapping[str, Target] = {
    word: target for target, words in _NAMES.items() for word in words.split()
}
_DID = re.compile(r"did:[a-z]+:\S+")
_MXID = re.compile(r"@[^\s:]+:[^\s:]+\.[^\s]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")
_HANDLE = re.compile(r"@[\w.-]+(@[\w.-]+)?")
_IMAGE = re.compile(r"https?://\S+\.(png|jpe?g|webp|gif)(\?\S*)?", re.I)
_URL = re.compile(r"https?://\S+")
_LONG = 60
_ENOUGH = 0.8

_LOOKS: Sequence[tuple[Target, Callable[[str], object]]] = (
    ("platform_id", _DID.fullmatch),
    ("platform_id", _MXID.fullmatch),
    ("email", _EMAIL.fullmatch),
    ("username", _HANDLE.fullmatch),
    ("image", _IMAGE.fullmatch),
    ("link", _URL.fullmatch),
    ("bio", lambda cell: len(cell) >= _LONG and " " in cell),
)


def guess(
    columns: Sequence[str], sample: Collection[Row], *, platform: str | None = None
) -> RowMap:
    """Return what the columns probably mean.

    A column's name goes before its content, and an earlier column before a later one.

    Args:
        columns: Their names.
        sample: Some rows.
        platform: Of all rows, where that is known; else it is told by ids that look like a DID.
    """
    meanings: dict[str, Target] = {}
    for column in columns:
        _give(meanings, column, _BY_NAME.get(_plain(column)))
    for column in columns:
        if column not in meanings:
            _give(meanings, column, _looks_like(column, sample))
    ordered: dict[str, Target] = {
        column: meanings[column] for column in columns if column in meanings
    }
    return RowMap(ordered, platform or _platform_of(ordered, sample))


def _give(meanings: dict[str, Target], column: str, target: Target | None) -> None:
    if target and (target in SEVERAL or target not in meanings.values()):
        meanings[column] = target


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.rpartition(".")[2].lower())


def _cells(column: str, sample: Collection[Row]) -> list[str]:
    found = (text_or_none((row.cells or {}).get(column)) for row in sample)
    return [cell for cell in found if cell]


def _looks_like(column: str, sample: Collection[Row]) -> Target | None:
    cells = _cells(column, sample)
    for target, looks in _LOOKS:
        if cells and sum(bool(looks(cell)) for cell in cells) >= _ENOUGH * len(cells):
            return target
    return None


def _platform_of(meanings: Mapping[str, Target], sample: Collection[Row]) -> str | None:
    if "platform" in meanings.values():
        return None
    column = next((c for c, target in meanings.items() if target == "platform_id"), None)
    cells = _cells(column, sample) if column else []
    for platform, form in (("bluesky", _DID), ("matrix", _MXID)):
        if cells and all(form.fullmatch(cell) for cell in cells):
            return platform
    return None
