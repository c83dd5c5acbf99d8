"""From what people write to the names of the AT Protocol: actors, records, words, tags. Pure.

The grammars are those of the specifications of handles, DIDs, record keys and AT URIs at
atproto.com; addresses of pages are those of the app at bsky.app.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from omni.base.errors import Rejected
from omni.connectors.seeds import read_words

RecordKind = Literal["list", "starter pack", "feed", "post"]

MAX_SEARCH_CHARS = 300
MAX_TAG_CHARS = 64

_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,2000}")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HANDLE = re.compile(rf"({_LABEL}\.)+[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?")
_RKEY = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._:~-]{1,512}")
_PAGE = re.compile(r"https://(?:www\.)?bsky\.app/([^?#]*)(?:[?#].*)?")
_AT_URI = re.compile(r"at://([^/]+)/([A-Za-z0-9.-]+)/([^/]+)/?")

_COLLECTIONS: Mapping[str, RecordKind] = {
    "app.bsky.graph.list": "list",
    "app.bsky.graph.starterpack": "starter pack",
    "app.bsky.feed.generator": "feed",
    "app.bsky.feed.post": "post",
}
_NAMES: Mapping[RecordKind, str] = {kind: name for name, kind in _COLLECTIONS.items()}
_PAGES: Mapping[str, RecordKind] = {"lists": "list", "feed": "feed", "post": "post"}
_STARTER_PAGES = frozenset({"starter-pack", "start"})
_SEEDS_OF: Mapping[RecordKind, str] = {
    "list": "list",
    "starter pack": "starter_pack",
    "feed": "feed or likes",
    "post": "likes or reposts",
}


@dataclass(frozen=True, slots=True)
class Record:
    """Something that somebody made: a list, a starter pack, a feed, a post.

    Attributes:
        owner: Handle or DID.
    """

    kind: RecordKind
    owner: str
    key: str

    def uri(self, did: str) -> str:
        """Return the AT URI, given the owner's DID."""
        return f"at://{did}/{_NAMES[self.kind]}/{self.key}"


def read_actor(value: str) -> str:
    """Return the handle or DID that a person means by `value`.

    Args:
        value: A handle, with or without @, a DID, an `at://` URI or the address of a profile page.

    Raises:
        Rejected: None of these.
    """
    text = value.strip()
    if record := _record(text):
        message = f"this is a {record.kind}, not a person: use it with {_SEEDS_OF[record.kind]}"
        raise Rejected(message, field="seed_value")
    text = text.removesuffix("/app.bsky.actor.profile/self")
    if parts := _page(text):
        text = parts[1] if len(parts) == 2 and parts[0] == "profile" else ""
    if actor := _actor(text.removeprefix("at://").removeprefix("@").rstrip("/")):
        return actor
    raise Rejected(
        f"not a Bluesky handle or DID: {value[:100]!r}; write it like alice.bsky.social",
        field="seed_value",
    )


def read_record(value: str, kinds: Collection[RecordKind]) -> Record:
    """Return the record that a person means by `value`.

    Args:
        value: An `at://` URI or the address of its page at bsky.app.
        kinds: What it may be.

    Raises:
        Rejected: Something else.
    """
    record = _record(value.strip())
    wanted = " or ".join(kinds)
    if record is None:
        raise Rejected(
            f"not the address of a Bluesky {wanted}: {value[:100]!r}; copy it from bsky.app, or"
            " write its at:// URI",
            field="seed_value",
        )
    if record.kind not in kinds:
        raise Rejected(
            f"this is a {record.kind}, not a {wanted}: use it with {_SEEDS_OF[record.kind]}",
            field="seed_value",
        )
    return record


def read_uri(uri: str) -> Record | None:
    """Return the record of an AT URI that a cursor holds; None if it is none."""
    return _record(uri)


def read_search(value: str) -> str:
    """Return the words to search for.

    Raises:
        Rejected: There are none, or too many.
    """
    return read_words(value, site="Bluesky", most=MAX_SEARCH_CHARS)


def read_hashtag(value: str) -> str:
    """Return the tag that a person means by `value`, without its #, in lower case.

    Raises:
        Rejected: It is none.
    """
    text = value.strip()
    if (parts := _page(text)) and len(parts) == 2 and parts[0] == "hashtag":
        text = unquote(parts[1])
    text = text.removeprefix("#").removeprefix("＃").casefold()
    if not 0 < len(text) <= MAX_TAG_CHARS or re.search(r"[\s#/]", text):
        message = f"a hashtag is one word of at most {MAX_TAG_CHARS} characters, like #solar"
        raise Rejected(message, field="seed_value")
    return text


def is_did(value: str) -> bool:
    """Tell whether `value` has the form of a DID."""
    return _DID.fullmatch(value) is not None


def _actor(text: str) -> str | None:
    if is_did(text):
        return text
    return text.lower() if len(text) <= 253 and _HANDLE.fullmatch(text) else None


def _page(text: str) -> list[str] | None:
    """Return the parts of the path of a page at bsky.app."""
    page = _PAGE.fullmatch(text)
    return page[1].strip("/").split("/") if page else None


def _record(text: str) -> Record | None:
    """Read an AT URI or a page's address; None if it is neither, or of a kind of no use here."""
    owner = kind = key = None
    if uri := _AT_URI.fullmatch(text):
        owner, kind, key = uri[1], _COLLECTIONS.get(uri[2]), uri[3]
    match _page(text):
        case ["profile", owner, segment, key]:
            kind = _PAGES.get(segment)
        case [segment, owner, key] if segment in _STARTER_PAGES:
            kind = "starter pack"
        case _:
            pass
    actor = _actor(owner) if owner else None
    return Record(kind, actor, key) if kind and actor and key and _RKEY.fullmatch(key) else None
