"""From what people type to what the API is asked. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from omni.base.errors import Rejected
from omni.connectors.seeds import read_words

MAX_SEARCH_CHARS = 200
MAX_TAG_CHARS = 100
MAX_URL = 512

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,198}[A-Za-z0-9_])?"
_HOST = r"[^\W_](?:[\w.-]{0,251}[^\W_])?(?::[0-9]{1,5})?"
_ACCOUNT = re.compile(rf"(?:acct:)?@?({_NAME})(?:@({_HOST}))?")
_POST = re.compile(r"(/@[^/]+)/[0-9A-Za-z]+")
_TAG = re.compile(r"\w+")
_TAG_URL = re.compile(r"https?://[^/]+/(?:web/)?tags/([^/?#]+)/?")


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account as it is looked up.

    Attributes:
        acct: `ann` on the home server, `ann@far.example` elsewhere.
        url: The address that was given, if one was: it may say more than the name made of it.
    """

    acct: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class DirectoryView:
    """Which part of the directory: by last activity or by age, all that is known or local only."""

    order: str
    local: bool


def host_of(base_url: str) -> str:
    """Return the host of a server's base URL, with its port where it is not the usual one."""
    return urlsplit(base_url).netloc.lower()


def is_account_url(value: str) -> bool:
    """Tell whether `value` may be somebody's platform id."""
    if len(value) > MAX_URL or not value.isprintable():
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        return False


def read_account(value: str, home: str) -> AccountName:
    """Return the account that a person means by `value`.

    Args:
        value: `@ann@far.example`, `ann@far.example`, `@ann` (on the home server), or the address of
            a profile.
        home: The home server's host.

    Raises:
        Rejected: None of these.
    """
    text = value.strip()
    url = text if is_account_url(text) else None
    if url is not None:
        text = _name_in(url)
    if found := _ACCOUNT.fullmatch(text):
        host = (found[2] or home).lower()
        return AccountName(found[1] if host == home else f"{found[1]}@{host}", url)
    raise Rejected(
        f"not a name in the fediverse: {value[:100]!r}; write it like @ann@mastodon.example",
        field="seed_value",
    )


def read_search(value: str) -> str:
    """Return the words to search for.

    Raises:
        Rejected: There are none, or too many.
    """
    return read_words(value, site="Mastodon", most=MAX_SEARCH_CHARS)


def read_hashtag(value: str) -> str:
    """Return the tag without its `#`.

    Raises:
        Rejected: It is none.
    """
    text = value.strip()
    if address := _TAG_URL.fullmatch(text):
        text = unquote(address[1])
    text = text.removeprefix("#")
    if len(text) <= MAX_TAG_CHARS and _TAG.fullmatch(text):
        return text
    message = f"not a hashtag: {value[:100]!r}; write it like #ceramics"
    raise Rejected(message, field="seed_value")


def read_directory(value: str) -> DirectoryView:
    """Return what `active`, `new`, `local` and `local new` mean.

    Raises:
        Rejected: Other words.
    """
    words = set(value.lower().replace(",", " ").split())
    if words and words <= {"active", "new", "local"} and not {"active", "new"} <= words:
        return DirectoryView("new" if "new" in words else "active", "local" in words)
    message = "write active, new, local, or local new for the part of the directory"
    raise Rejected(message, field="seed_value")


def _name_in(url: str) -> str:
    """Return `name@host` of a profile's address: its last part, whatever software serves it."""
    parts = urlsplit(url)
    path = unquote(parts.path).rstrip("/")
    if post := _POST.fullmatch(path):
        path = post[1]
    name = path.rpartition("/")[2].removeprefix("@")
    # A home server shows people of others as /@ann@far.example.
    return name if "@" in name or not name else f"{name}@{parts.netloc.lower()}"
