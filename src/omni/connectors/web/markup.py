"""Whom a page's markup describes: JSON-LD, microformats, OpenGraph, rel=me. Pure.

The vocabularies are schema.org's Person and ProfilePage, the h-card and h-entry of microformats2,
and the OpenGraph type `profile`. Where a page uses several, the first of these that names somebody
counts, and the others fill in what it leaves out. Nothing in a page is trusted to have the type
that it should.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

import mf2py
from extruct import jsonld, opengraph

from omni.connectors.types import RawPost, RawProfile
from omni.connectors.values import read_moment
from omni.connectors.web.types import PLATFORM
from omni.connectors.web.urls import name_of, normal_url

MAX_NODES = 2_000
_DEPTH = 12
_MAX_COUNT = 2**53
_POSTS = frozenset(
    {"BlogPosting", "SocialMediaPosting", "Article", "NewsArticle", "DiscussionForumPosting"}
)


@dataclass(frozen=True, slots=True)
class Hints:
    """What the page says besides: its title and description, and the links with rel=me."""

    title: str | None
    description: str | None
    me: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody as one vocabulary has them."""

    name: str | None = None
    username: str | None = None
    bio: str | None = None
    images: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    followers: int | None = None
    follows: int | None = None
    posts_count: int | None = None
    created_at: datetime | None = None
    posts: tuple[RawPost, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


def describe(tree: Any, text: str, base: str, page: str, hints: Hints) -> RawProfile | None:
    """Return the one person whom a page is about; None if there is none, or several.

    Args:
        tree: The page, parsed.
        text: The page as text, for the parser of microformats.
        base: What relative addresses are relative to.
        page: By which the page is known.
        hints: What it says besides.
    """
    found = [
        person
        for person in (
            _linked_data(tree, base, page),
            _microformats(text, base, page),
            _open_graph(tree, base),
        )
        if person is not None
    ]  # fmt: skip
    if not found and hints.me and hints.title:
        found = [_Person(name=hints.title, bio=hints.description)]
    if not found:
        return None
    whole = found[0]
    for other in found[1:]:
        whole = _filled(whole, other)
    links = dict.fromkeys((*whole.links, *hints.me))
    links.pop(page, None)
    return RawProfile(
        platform=PLATFORM,
        platform_id=page,
        username=whole.username or name_of(page),
        display_name=whole.name,
        bio=whole.bio or hints.description,
        followers=whole.followers,
        follows=whole.follows,
        posts_count=whole.posts_count,
        created_at=whole.created_at,
        image_urls=tuple(dict.fromkeys(whole.images))[:3],
        links=tuple(links)[:20],
        posts=whole.posts[:20],
        extra=whole.extra,
    )


def _filled(one: _Person, other: _Person) -> _Person:
    """Return one with what it lacks from the other."""
    names = ("name", "username", "bio", "images", "links", "followers", "follows", "posts_count",
             "created_at", "posts", "extra")  # fmt: skip
    missing = {name: getattr(other, name) for name in names if getattr(one, name) in (None, (), {})}
    return replace(one, **missing)


def _linked_data(tree: Any, base: str, page: str) -> _Person | None:
    nodes = list(_nodes(tree))
    pages = [node for node in nodes if "ProfilePage" in _types(node)]
    about = [_entity(node) for node in pages]
    people = [each for each in about if each] or [n for n in nodes if "Person" in _types(n)]
    if len(people) > 1:
        own = [
            each for each in people if page in _urls(each, ("url", "@id", "mainEntityOfPage"), base)
        ]
        people = own[:1]
    if not people:
        return None
    person = people[0]
    posts = (node for node in nodes if _types(node) & _POSTS)
    return _Person(
        name=_text(person, "name") or _joined(person, ("givenName", "familyName")),
        username=_text(person, "alternateName"),
        bio=_text(person, "description"),
        images=_urls(person, ("image",), base),
        links=_urls(person, ("sameAs", "url"), base),
        followers=_statistic(person, "FollowAction"),
        follows=_statistic(person, "FollowAction", "agentInteractionStatistic"),
        posts_count=_statistic(person, "WriteAction", "agentInteractionStatistic"),
        created_at=next((m for p in pages if (m := read_moment(_text(p, "dateCreated")))), None),
        posts=tuple(post for node in posts if (post := _post(node))),
        extra=_known(job=_text(person, "jobTitle"), place=_place(person)),
    )


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the nodes of all scripts, those of graphs and lists too; broken ones are passed by."""
    extractor = jsonld.JsonLdExtractor()
    count = 0
    for script in tree.xpath('//script[@type="application/ld+json"]'):
        try:
            items: list[Any] = list(extractor.extract_items(script))
        except (ValueError, RecursionError, TypeError, AttributeError):
            continue
        for node in _spread(items, _DEPTH):
            count += 1
            if count > MAX_NODES:
                return
            yield node


def _spread(value: object, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth and isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _spread(each, depth - 1)
    elif isinstance(value, dict):
        node = cast("dict[str, Any]", value)
        if node.get("@type"):
            yield node
        for name in ("@graph", "itemListElement", "item", "hasPart", "blogPost"):
            if depth and name in node:
                yield from _spread(node[name], depth - 1)


def _entity(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for name in ("mainEntity", "about"):
        value = node.get(name)
        if isinstance(value, dict) and "Person" in _types(cast("dict[str, Any]", value)):
            return cast("dict[str, Any]", value)
    return None


def _types(node: Mapping[str, Any]) -> frozenset[str]:
    kinds = node.get("@type")
    several = cast("list[object]", kinds) if isinstance(kinds, list) else [kinds]
    return frozenset(each.rpartition("/")[2] for each in several if isinstance(each, str))


def _statistic(
    person: Mapping[str, Any], action: str, name: str = "interactionStatistic"
) -> int | None:
    value = person.get(name)
    for each in cast("list[object]", value) if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            continue
        counter = cast("dict[str, Any]", each)
        kind = counter.get("interactionType")
        named = cast("dict[str, Any]", kind).get("@type") if isinstance(kind, dict) else kind
        if isinstance(named, str) and named.rpartition("/")[2] == action:
            return _count(counter.get("userInteractionCount"))
    return None


def _post(node: Mapping[str, Any]) -> RawPost | None:
    text = _text(node, "articleBody") or _text(node, "text") or _text(node, "headline")
    return RawPost(text, read_moment(_text(node, "datePublished"))) if text else None


def _microformats(text: str, base: str, page: str) -> _Person | None:
    if "h-card" not in text and "vcard" not in text:
        return None
    try:
        parsed = mf2py.parse(doc=text, url=base, html_parser="lxml")
    except Exception:  # a page can be as broken as it likes: then it has no microformats
        return None
    items: list[Any] = [each for each in parsed.get("items", []) if isinstance(each, dict)]
    cards = [each for each in items if "h-card" in each.get("type", ())]
    own = [c for c in cards if page in _mf_urls(c, "url") or page in _mf_urls(c, "uid")]
    card = own[0] if own else cards[0] if len(cards) == 1 else None
    if card is None:
        return None
    return _Person(
        name=_mf_text(card, "name"),
        username=_mf_text(card, "nickname"),
        bio=_mf_text(card, "note"),
        images=tuple(_mf_urls(card, "photo")),
        links=tuple(_mf_urls(card, "url")),
        posts=tuple(_mf_posts(items)),
        extra=_known(
            job=_mf_text(card, "job-title"),
            place=_mf_text(card, "locality") or _mf_text(card, "country-name"),
        ),
    )


def _mf_values(item: Mapping[str, Any], name: str) -> list[object]:
    properties: Any = item.get("properties")
    if not isinstance(properties, dict):
        return []
    return list(cast("dict[str, list[object]]", properties).get(name, ()))


def _mf_text(item: Mapping[str, Any], name: str) -> str | None:
    for value in _mf_values(item, name):
        shown = cast("dict[str, object]", value).get("value") if isinstance(value, dict) else value
        if isinstance(shown, str) and shown.strip():
            return shown.strip()
    return None


def _mf_urls(item: Mapping[str, Any], name: str) -> list[str]:
    values = (
        cast("dict[str, object]", v).get("value") if isinstance(v, dict) else v
        for v in _mf_values(item, name)
    )
    return [url for v in values if isinstance(v, str) and (url := normal_url(v))]


def _mf_posts(items: Iterable[Mapping[str, Any]]) -> Iterator[RawPost]:
    for item in items:
        if "h-feed" in item.get("type", ()):
            yield from _mf_posts(cast("list[Mapping[str, Any]]", item.get("children", [])))
        if "h-entry" in item.get("type", ()):
            text = _mf_text(item, "content") or _mf_text(item, "summary") or _mf_text(item, "name")
            if text:
                yield RawPost(text, read_moment(_mf_text(item, "published")))


def _open_graph(tree: Any, base: str) -> _Person | None:
    pairs: list[tuple[str, str]] = []
    try:
        for found in opengraph.OpenGraphExtractor().extract_items(tree):
            pairs += found["properties"]
    except (AttributeError, ValueError, IndexError):
        return None
    values = {name: value.strip() for name, value in reversed(pairs) if value.strip()}
    if values.get("og:type") != "profile":
        return None
    first, last = values.get("profile:first_name"), values.get("profile:last_name")
    images = (
        normal_url(value, base) for name, value in pairs if name in ("og:image", "og:image:url")
    )
    return _Person(
        name=" ".join(part for part in (first, last) if part) or values.get("og:title"),
        username=values.get("profile:username"),
        bio=values.get("og:description"),
        images=tuple(url for url in images if url),
    )


def _text(node: Mapping[str, Any], name: str) -> str | None:
    value = node.get(name)
    found = cast("list[object]", value)[:1] if isinstance(value, list) else [value]
    return found[0].strip() or None if found and isinstance(found[0], str) else None


def _joined(node: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return " ".join(part for name in names if (part := _text(node, name))) or None


def _place(person: Mapping[str, Any]) -> str | None:
    for name in ("homeLocation", "address"):
        value = person.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, dict):
            node = cast("dict[str, Any]", value)
            named = _text(node, "name") or _joined(node, ("addressLocality", "addressCountry"))
            if named:
                return named
    return None


def _urls(node: Mapping[str, Any], names: Sequence[str], base: str) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        value = node.get(name)
        for each in cast("list[object]", value)[:50] if isinstance(value, list) else [value]:
            inner = cast("dict[str, Any]", each) if isinstance(each, dict) else {"url": each}
            link = _text(inner, "contentUrl") or _text(inner, "url") or _text(inner, "@id")
            if link and (url := normal_url(link, base)):
                found.append(url)
    return tuple(dict.fromkeys(found))


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isdigit() and len(value) < 17:
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT
    return cast("int", value) if fits else None


def _known(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
