"""From the AppView's JSON to the common shape. Pure.

Shapes follow the public lexicons `app.bsky.actor.defs`, `app.bsky.feed.defs` and
`com.atproto.label.defs`. Nothing in an answer is trusted to have the type that it should.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard

from omni.connectors.bluesky.names import is_did
from omni.connectors.types import RawPost, RawProfile
from omni.connectors.values import count_in, fields_of, items_of, moment_in, text_in

PLATFORM = "bluesky"
INVALID_HANDLE = "handle.invalid"
"""What the AppView shows instead of a handle that does not lead back to the account."""

_HIDING = frozenset({"!no-unauthenticated", "!hide", "!takedown"})
"""Labels that keep an account from those who are not signed in, or from everybody."""

_MESSAGES: Mapping[str, bool] = {
    "all": True,
    "none": False,
    # Only people whom they follow may begin a conversation, so a stranger may not.
    "following": False,
}


def did_of(view: object) -> str | None:
    """Return the DID of a profile view; None if there is no valid one."""
    did = text_in(fields_of(view), "did")
    return did if did and is_did(did) else None


def map_profile(view: object, posts: Sequence[RawPost]) -> RawProfile | None:
    """Map an `app.bsky.actor.defs#profileViewDetailed`.

    Self-declared: a bot, by the label `bot` that the account put on itself. `accepts_messages` is
    unknown where there is no chat declaration: the apps then let only people write whom they
    follow, but the platform does not say so.

    Args:
        view: The view as it was received.
        posts: The recent posts of the same account.

    Returns:
        The profile; None if the view has no valid DID.
    """
    fields = fields_of(view)
    did = did_of(fields)
    if did is None:
        return None
    handle = text_in(fields, "handle")
    own, others = _labels(fields, did)
    chat = fields_of(fields_of(fields.get("associated")).get("chat"))
    allow_incoming = text_in(chat, "allowIncoming")
    images = (text_in(fields, "avatar"), text_in(fields, "banner"))
    website = text_in(fields, "website")
    return RawProfile(
        platform=PLATFORM,
        platform_id=did,
        username=handle if handle and handle != INVALID_HANDLE else did,
        display_name=text_in(fields, "displayName"),
        bio=text_in(fields, "description"),
        followers=count_in(fields, "followersCount"),
        follows=count_in(fields, "followsCount"),
        posts_count=count_in(fields, "postsCount"),
        created_at=moment_in(fields, "createdAt"),
        is_bot="bot" in own,
        accepts_messages=_MESSAGES.get(allow_incoming or ""),
        discoverable=not hides(fields),
        image_urls=tuple(dict.fromkeys(filter(_is_web_url, images))),
        links=(website,) if _is_web_url(website) else (),
        posts=tuple(posts),
        extra=_extra(fields, own | others, allow_incoming),
    )


def hides(view: object) -> bool:
    """Tell whether an account is not to be shown to people who are not signed in.

    It says so by `!no-unauthenticated`; `!hide` and `!takedown` are moderators' words. Being signed
    in changes nothing: only what everybody may see is read. Who blocks the account that we read
    with is left alone as well.
    """
    fields = fields_of(view)
    own, others = _labels(fields, text_in(fields, "did") or "")
    return (
        bool((own | others) & _HIDING) or fields_of(fields.get("viewer")).get("blockedBy") is True
    )


def says_nothing(view: object) -> bool:
    """Tell whether an account has no posts, so that its feed need not be read."""
    return count_in(fields_of(view), "postsCount") == 0


def carries_tag(post: object, tag: str) -> bool:
    """Tell whether a post (`app.bsky.feed.defs#postView`) carries a tag.

    Tags are facets of the text, or the record's `tags`; clients that make no facets leave them in
    the text alone.

    Args:
        post: The view.
        tag: In lower case, without #.
    """
    record = fields_of(fields_of(post).get("record"))
    facets = (fields_of(facet) for facet in items_of(record.get("facets")))
    features = (fields_of(f) for facet in facets for f in items_of(facet.get("features")))
    named = [text_in(feature, "tag") for feature in features]
    named += [value for value in items_of(record.get("tags")) if isinstance(value, str)]
    if tag in {(name or "").casefold() for name in named}:
        return True
    text = (text_in(record, "text") or "").casefold()
    return re.search(rf"[#＃]{re.escape(tag)}(?!\w)", text) is not None


def map_feed(items: Iterable[object], did: str) -> tuple[RawPost, ...]:
    """Map an author feed (items `app.bsky.feed.defs#feedViewPost`) to the author's own posts.

    Reposts are other people's words and are left out; so is a post that appears twice (pinned).
    """
    posts: dict[str, RawPost] = {}
    for item in items:
        post = fields_of(fields_of(item).get("post"))
        uri = text_in(post, "uri")
        if uri and did_of(post.get("author")) == did:
            posts.setdefault(uri, _map_post(post))
    return tuple(posts.values())


def _map_post(post: Mapping[str, Any]) -> RawPost:
    record = fields_of(post.get("record"))
    return RawPost(
        text=text_in(record, "text") or "",
        created_at=_posted_at(record, post),
        likes=count_in(post, "likeCount"),
        reposts=count_in(post, "repostCount"),
        replies=count_in(post, "replyCount"),
    )


def _posted_at(record: Mapping[str, Any], post: Mapping[str, Any]) -> datetime | None:
    """Authors write `createdAt` themselves; the AppView's own order trusts the earlier of both."""
    moments = (moment_in(record, "createdAt"), moment_in(post, "indexedAt"))
    return min((moment for moment in moments if moment), default=None)


def _labels(fields: Mapping[str, Any], did: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the labels that the account put on itself, and those that others put on it."""
    mine: set[str] = set()
    theirs: set[str] = set()
    for entry in items_of(fields.get("labels")):
        label = fields_of(entry)
        value = text_in(label, "val")
        if value and label.get("neg") is not True:
            (mine if label.get("src") == did else theirs).add(value)
    return frozenset(mine), frozenset(theirs)


def _extra(
    fields: Mapping[str, Any], labels: Iterable[str], allow_incoming: str | None
) -> dict[str, Any]:
    verified = text_in(fields_of(fields.get("verification")), "verifiedStatus")
    known: dict[str, Any] = {
        "labels": sorted(labels),
        "pronouns": text_in(fields, "pronouns"),
        "allow_incoming": allow_incoming,
        "verified": True if verified == "valid" else None,
    }
    return {name: value for name, value in known.items() if value}


def _is_web_url(url: str | None) -> TypeGuard[str]:
    return bool(url) and url.startswith(("https://", "http://"))
