"""From the HTML of notes, fields and statuses to plain text. Pure.

The server writes this HTML, and servers are other people's: it is parsed, never trusted.
"""

from __future__ import annotations

import re
from typing import Any

import html_text

MAX_HTML = 50_000
"""Characters that are looked at: a note has 500, a long post of other software some thousand."""

_INLINE = ("a", "abbr", "b", "bdi", "code", "del", "em", "i", "ins", "mark", "s", "small", "span",
           "strong", "sub", "sup", "u")  # fmt: skip
"""Elements that part no words: `py<b>thon</b>` is one."""

_NAMES = frozenset({"mention", "hashtag"})
"""Classes of links whose text is the thing itself, such as `@ann` or `#clay`."""

_WEB = re.compile(r"https?://\S{1,2000}", re.IGNORECASE)


def plain_text(html: str | None) -> str:
    """Return the text with its paragraphs and line breaks; a link is shown by its address.

    The visible text of a link is shortened by the server (`example.com/very…`), so its address is
    what the author wrote.
    """
    if not html:
        return ""
    tree = _parse(html)
    for link in list(tree.iter("a")):
        shown = _shown(link)
        link.clear(keep_tail=True)
        link.text = shown
    for element in list(tree.iter(*_INLINE)):
        if element.getparent() is not None:
            element.drop_tag()
    return html_text.extract_text(tree)


def links_in(html: str | None) -> tuple[str, ...]:
    """Return the addresses of web links in their order, those of mentions and hashtags left out."""
    if not html:
        return ()
    found = (str(link.get("href") or "") for link in _parse(html).iter("a") if not _is_name(link))
    return tuple(dict.fromkeys(href for href in found if _WEB.fullmatch(href)))


def _parse(html: str) -> Any:
    # A lone surrogate cannot be encoded, so not be parsed.
    return html_text.parse_html(html[:MAX_HTML].encode("utf-8", "replace").decode())


def _shown(link: Any) -> str:
    href = str(link.get("href") or "")
    if _is_name(link) or not _WEB.fullmatch(href):
        return str(link.text_content())
    return href


def _is_name(link: Any) -> bool:
    return not _NAMES.isdisjoint(str(link.get("class") or "").split())
