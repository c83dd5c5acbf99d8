"""From the API's JSON to the common shape. Pure.

Shapes follow the public documentation of the entities Account, Field and Status
(https://docs.joinmastodon.org/entities/). What people ask for is honoured:

- `suspended` is as good as gone; `limited` (hidden by the home server's moderators), `noindex`,
  `discoverable: false`, `memorial`, `moved`, and the tags #nobot, #noindex and #nosearch in a
  profile mean: not to be found.
- `indexable: false` means that posts must not be indexed (FEP-5feb): they are not read.
- `locked` accounts choose who follows them: taken as a wish not to be written to by strangers.
- Of posts only public ones count: `unlisted` ones are meant to stay out of discovery.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omni.connectors.mastodon.markup import links_in, plain_text
from omni.connectors.mastodon.names import host_of, is_account_url
from omni.connectors.types import RawPost, RawProfile
from omni.connectors.values import count_in, fields_of, items_of, moment_in, text_in

PLATFORM = "mastodon"
MAX_FIELDS = 16

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_OPTED_OUT = re.compile(r"(?<![\w#])#(?:nobots?|noindex|nosearch)\b", re.IGNORECASE)


def url_of(account: object) -> str | None:
    """Return the canonical address of an Account, everybody's id across servers; None if none."""
    url = text_in(fields_of(account), "url")
    return url if url and is_account_url(url) else None


def id_of(account: object) -> str | None:
    """Return the id that the home server knows an Account by; None if there is no valid one."""
    found = text_in(fields_of(account), "id")
    return found if found and _ID.fullmatch(found) else None


def moved_to(account: object) -> Mapping[str, Any] | None:
    """Return the Account that took this one's place, None if it has not moved."""
    return fields_of(fields_of(account).get("moved")) or None


def is_shown(account: object) -> bool:
    """Tell whether the account agrees to be found; see the module's own words."""
    fields = fields_of(account)
    hidden = any(fields.get(name) is True for name in ("limited", "noindex", "memorial"))
    if hidden or fields.get("discoverable") is False or moved_to(fields):
        return False
    texts = [text_in(fields, "display_name"), plain_text(text_in(fields, "note"))]
    texts += [text for pair in _pairs(fields) for text in (pair[0], plain_text(pair[1]))]
    return not any(_OPTED_OUT.search(text) for text in texts if text)


def shows_posts(account: object) -> bool:
    """Tell whether the account's posts may be read, and there are any."""
    fields = fields_of(account)
    return (
        is_shown(fields)
        and fields.get("indexable") is not False
        and count_in(fields, "statuses_count") != 0
    )


def map_account(account: object, posts: Sequence[RawPost]) -> RawProfile | None:
    """Map an Account.

    Args:
        account: The entity as it was received.
        posts: The recent posts of the same account.

    Returns:
        The profile; None if the account has no valid address, or is suspended.
    """
    fields = fields_of(account)
    url = url_of(fields)
    if url is None or fields.get("suspended") is True:
        return None
    pairs = _pairs(fields)
    return RawProfile(
        platform=PLATFORM,
        platform_id=url,
        username=_handle(fields, url),
        display_name=_without_emoji(text_in(fields, "display_name"), fields),
        bio=_bio(fields, pairs),
        followers=count_in(fields, "followers_count"),
        follows=count_in(fields, "following_count"),
        posts_count=count_in(fields, "statuses_count"),
        created_at=moment_in(fields, "created_at"),
        # A group is an account that repeats what others send it: nobody to talk to.
        is_bot=fields.get("bot") is True or fields.get("group") is True,
        accepts_messages=False if fields.get("locked") is True else None,
        discoverable=is_shown(fields),
        image_urls=_images(fields),
        links=tuple(link for _, value, _ in pairs for link in links_in(value)),
        posts=tuple(posts),
        extra=_extra(fields, pairs),
    )


def map_statuses(statuses: Iterable[object], account_id: str) -> tuple[RawPost, ...]:
    """Map the Statuses of an account to its own public posts."""
    return tuple(
        _map_status(status)
        for status in map(fields_of, statuses)
        if status.get("visibility") == "public"
        and not status.get("reblog")
        and id_of(status.get("account")) == account_id
    )


def authors_of(statuses: Iterable[object]) -> list[Mapping[str, Any]]:
    """Return the Accounts that wrote these Statuses."""
    return [fields_of(fields_of(status).get("account")) for status in statuses]


def _map_status(status: Mapping[str, Any]) -> RawPost:
    warning = text_in(status, "spoiler_text")
    text = plain_text(text_in(status, "content"))
    return RawPost(
        text=f"{warning}\n\n{text}" if warning else text,
        created_at=moment_in(status, "created_at"),
        likes=count_in(status, "favourites_count"),
        reposts=count_in(status, "reblogs_count"),
        replies=count_in(status, "replies_count"),
    )


def _handle(fields: Mapping[str, Any], url: str) -> str:
    """Return `ann@home.example`: without its server a name could be anybody's."""
    acct = text_in(fields, "acct") or text_in(fields, "username")
    if acct is None:
        return url
    return acct if "@" in acct else f"{acct}@{host_of(url)}"


def _bio(fields: Mapping[str, Any], pairs: Sequence[tuple[str, str, bool]]) -> str | None:
    """Return the note, and below it the profile's fields that are more than a link."""
    note = _without_emoji(plain_text(text_in(fields, "note")), fields) or ""
    lines = [f"{name}: {plain_text(value)}" for name, value, _ in pairs if not links_in(value)]
    return "\n\n".join(part for part in (note, "\n".join(lines)) if part) or None


def _pairs(fields: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Return name, HTML and whether a link was verified of each profile field."""
    pairs = [
        (text_in(f, "name"), text_in(f, "value"), f.get("verified_at") is not None)
        for f in map(fields_of, items_of(fields.get("fields"))[:MAX_FIELDS])
    ]
    return [(name, value, verified) for name, value, verified in pairs if name and value]


def _without_emoji(text: str | None, fields: Mapping[str, Any]) -> str | None:
    """Return the text without the names of pictures that only the server can show."""
    codes = (text_in(fields_of(e), "shortcode") for e in items_of(fields.get("emojis"))[:100])
    for code in codes:
        text = text.replace(f":{code}:", "") if text and code else text
    return text.strip() or None if text else None


def _images(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return avatar and header, without those that the server shows where there is none."""
    named = (
        text_in(fields, "avatar_static") or text_in(fields, "avatar"),
        text_in(fields, "header_static") or text_in(fields, "header"),
    )
    return tuple(
        url
        for url in named
        if url and url.startswith(("https://", "http://")) and not url.endswith("/missing.png")
    )


def _extra(fields: Mapping[str, Any], pairs: Sequence[tuple[str, str, bool]]) -> dict[str, Any]:
    verified = [link for _, value, proved in pairs if proved for link in links_in(value)]
    roles = [text_in(fields_of(role), "name") for role in items_of(fields.get("roles"))]
    known: dict[str, Any] = {
        "verified_links": verified,
        "roles": sorted(filter(None, roles)),
        "locked": fields.get("locked") is True,
        "group": fields.get("group") is True,
    }
    return {name: value for name, value in known.items() if value}
