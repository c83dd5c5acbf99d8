"""The queries that list people, by seed type, and how their answers are read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from omni.base.errors import Transient
from omni.connectors.bluesky.mapping import carries_tag, did_of
from omni.connectors.bluesky.names import RecordKind
from omni.connectors.types import SeedType


@dataclass(frozen=True, slots=True)
class Listing:
    """An XRPC query that lists people.

    Attributes:
        param: The name under which it takes the seed's value.
        items: The name under which it answers with a list.
        person: Where in an item the profile view stands; empty if it is the item.
        records: Which records it asks about; none if the value is an actor or words.
    """

    method: str
    param: str
    items: str
    person: tuple[str, ...] = ()
    records: tuple[RecordKind, ...] = ()

    def people(
        self, body: Mapping[str, Any], wanted: Callable[[object], bool] | None = None
    ) -> tuple[str, ...]:
        """Return the DIDs in an answer, each once, in its order.

        Args:
            body: The answer.
            wanted: Which items count; all of them if None.

        Raises:
            Transient: The answer has no list.
        """
        found = (item for item in list_of(body, self.items) if wanted is None or wanted(item))
        return tuple(dict.fromkeys(did for item in found if (did := did_of(self._person(item)))))

    def _person(self, item: object) -> object:
        for name in self.person:
            item = cast("dict[str, Any]", item).get(name) if isinstance(item, dict) else None
        return item


LISTINGS: Mapping[str, Listing] = {
    "followers": Listing("app.bsky.graph.getFollowers", "actor", "followers"),
    "follows": Listing("app.bsky.graph.getFollows", "actor", "follows"),
    "search": Listing("app.bsky.actor.searchActors", "q", "actors"),
    "hashtag": Listing("app.bsky.feed.searchPosts", "q", "posts", ("author",)),
    "list": Listing("app.bsky.graph.getList", "list", "items", ("subject",), ("list",)),
    # A starter pack is shown with a few of its people only; its list has all of them.
    "starter_pack": Listing(
        "app.bsky.graph.getList", "list", "items", ("subject",), ("starter pack",)
    ),
    "feed": Listing("app.bsky.feed.getFeed", "feed", "feed", ("post", "author"), ("feed",)),
    "likes": Listing("app.bsky.feed.getLikes", "uri", "likes", ("actor",), ("post", "feed")),
    "reposts": Listing("app.bsky.feed.getRepostedBy", "uri", "repostedBy", (), ("post",)),
}

SEED_TYPES = (
    SeedType("search", "People whose name or profile has these words.", "solar energy"),
    SeedType(
        "hashtag", "People whose posts carry this hashtag; needs an account in the settings.",
        "#solar",
    ),
    SeedType("followers", "People who follow this one.", "alice.bsky.social"),
    SeedType("follows", "People whom this one follows.", "alice.bsky.social"),
    SeedType(
        "list", "The people of a list, by its address.",
        "https://bsky.app/profile/alice.bsky.social/lists/3kabc",
    ),
    SeedType(
        "starter_pack", "The people of a starter pack, by its address.",
        "https://bsky.app/starter-pack/alice.bsky.social/3kabc",
    ),
    SeedType(
        "feed", "People whose posts a feed shows, by its address.",
        "https://bsky.app/profile/alice.bsky.social/feed/science",
    ),
    SeedType(
        "likes", "People who like a post or a feed, by its address.",
        "https://bsky.app/profile/alice.bsky.social/post/3kabc",
    ),
    SeedType(
        "reposts", "People who repost a post, by its address.",
        "https://bsky.app/profile/alice.bsky.social/post/3kabc",
    ),
    SeedType("actor", "One person, by handle, DID or profile page.", "alice.bsky.social"),
)  # fmt: skip


def tagged(tag: str) -> Callable[[object], bool]:
    """Return what tells posts that carry `tag`: searches find more than was asked for."""
    return lambda post: carries_tag(post, tag)


def list_of(body: Mapping[str, Any], name: str) -> list[object]:
    """Return a list of an answer.

    Raises:
        Transient: There is none.
    """
    value = body.get(name)
    if not isinstance(value, list):
        raise Transient(f"Bluesky's answer has no list of {name}")
    return cast("list[object]", value)
