"""A page of HTML as what Omni takes from it: who it describes, where it leads, what it forbids."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from typing import Any

from lxml import etree, html

from omni.connectors.types import RawProfile
from omni.connectors.web.markup import Hints, describe
from omni.connectors.web.types import PLATFORM, Reading
from omni.connectors.web.urls import canonical_url, may_be_page, name_of, normal_url, origin

MAX_HTML = 3_000_000
"""The most bytes of a page that are parsed; what comes after is not looked at."""

MAX_LINKS = 1_000
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ASKED = frozenset({"noindex", "nofollow", "none"})


def read_page(
    url: str, body: bytes, *, charset: str | None, robots_tag: str, token: str
) -> Reading:
    """Return what a page says.

    Args:
        url: Where it was read, after redirects.
        body: As it came.
        charset: What its server says that it is in; believed only if it is.
        robots_tag: The header `X-Robots-Tag`, empty if there was none.
        token: Our product token: by it rules may be meant for us alone.
    """
    text = decode(body[:MAX_HTML], charset)
    tree = _parse(text)
    if tree is None:
        own = normal_url(url)
        return Reading(url=own or url, person=None, links=())
    base = _first(tree, "//base/@href")
    here = normal_url(base, url) or url if base else url
    asked = _asked(tree, robots_tag, token.lower())
    known_by = canonical_url(url, _rels(tree, "canonical")) or url
    hints = Hints(
        title=_words(_first(tree, "//title/text()")),
        description=_words(_meta(tree, "description")),
        me=tuple(link for each in _rels(tree, "me") if (link := normal_url(each, here))),
    )
    hidden = "noindex" in asked
    person = None if hidden else describe(tree, text, here, known_by, hints)
    return Reading(
        url=known_by,
        person=person or (_hidden(known_by) if hidden else None),
        links=() if "nofollow" in asked else _links(tree, here, known_by),
    )


def decode(body: bytes, charset: str | None) -> str:
    """Return the text of a page: the first encoding that fits, of those that are claimed.

    That is the byte order mark's, the server's, the page's own, UTF-8; and else Windows' Latin 1,
    as browsers do.
    """
    claimed = [name for mark, name in _BOMS if body.startswith(mark)]
    claimed += [charset] if charset else []
    if own := _CHARSET.search(body[:2_048]):
        claimed.append(own[1].decode("ascii"))
    for name in (*claimed, "utf-8"):
        try:
            return body.decode("cp1252" if name.lower() in ("iso8859-1", "iso-8859-1") else name)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("cp1252", "replace")


def _hidden(url: str) -> RawProfile:
    return RawProfile(PLATFORM, url, name_of(url), discoverable=False)


def _parse(text: str) -> Any:
    """Return the tree, at most 256 levels deep, as libxml2 has it; None if there is nothing."""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=False, no_network=True)
    data = text.replace("\x00", "").encode("utf-8", "replace")
    try:
        return html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def _asked(tree: Any, header: str, token: str) -> frozenset[str]:
    """Return what page and server ask of us: `noindex`, `nofollow`."""
    words: list[str] = []
    for name in ("robots", token):
        words += [word for value in _metas(tree, name) for word in value.split(",")]
    for part in header.split(","):
        bot, colon, rule = part.rpartition(":")
        if not colon or bot.strip().lower() in (token, "*"):
            words.append(rule)
    found = {word.strip().lower() for word in words} & _ASKED
    return frozenset({"noindex", "nofollow"} if "none" in found else found)


def _links(tree: Any, base: str, page: str) -> tuple[str, ...]:
    """Return the pages of the same site that a page leads to and does not disown."""
    home = origin(page)
    found: dict[str, None] = {}
    for anchor in tree.xpath("//a[@href]"):
        if "nofollow" in str(anchor.get("rel") or "").lower().split():
            continue
        link = normal_url(str(anchor.get("href")), base)
        if link and link != page and origin(link) == home and may_be_page(link):
            found[link] = None
        if len(found) >= MAX_LINKS:
            break
    return tuple(found)


def _rels(tree: Any, rel: str) -> list[str]:
    """Return the addresses of a relation, from `link` and `a`."""
    nodes: Iterable[Any] = tree.xpath("//link[@rel and @href] | //a[@rel and @href]")
    return [str(node.get("href")) for node in nodes if rel in str(node.get("rel")).lower().split()][
        :50
    ]


def _metas(tree: Any, name: str) -> list[str]:
    nodes: Sequence[Any] = tree.xpath("//meta[@name and @content]")
    return [str(n.get("content")) for n in nodes if str(n.get("name")).strip().lower() == name]


def _meta(tree: Any, name: str) -> str | None:
    return next(iter(_metas(tree, name)), None)


def _first(tree: Any, path: str) -> str | None:
    found: Sequence[Any] = tree.xpath(path)
    return str(found[0]).strip() if found else None


def _words(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None
