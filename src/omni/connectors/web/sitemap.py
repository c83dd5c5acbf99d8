"""Sitemaps and their indexes (sitemaps.org): XML, gzip, or one address a line. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from lxml import etree

from omni.base.errors import Rejected
from omni.connectors.web.urls import normal_url, origin

MAX_BYTES = 50_000_000
"""The most bytes of a sitemap, unpacked, as sitemaps.org has it."""

MAX_ENTRIES = 50_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What a sitemap lists, within its own site; one of the two is empty.

    Attributes:
        pages: Addresses of pages.
        maps: Addresses of other sitemaps.
    """

    pages: tuple[str, ...]
    maps: tuple[str, ...]


def read_sitemap(url: str, data: bytes) -> Sitemap:
    """Return what a sitemap lists; what is of another origin is left out, as the protocol asks.

    Raises:
        Rejected: It is no sitemap, or larger than any may be, or declares entities.
    """
    data = _unpacked(data)
    if b"<!ENTITY" in data:
        raise Rejected("a sitemap that declares entities is not read", field="seed_value")
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        listed = _here(url, data.decode("utf-8", "replace").splitlines()[:MAX_ENTRIES])
        if not listed:
            raise Rejected("neither XML nor a list of addresses", field="seed_value")
        return Sitemap(listed, ())
    pages: list[str] = []
    maps: list[str] = []
    try:
        for _, element in etree.iterparse(
            BytesIO(data), events=("end",), resolve_entities=False, no_network=True,
            load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        ):  # fmt: skip
            parent = element.getparent()
            if _name(element) == "loc" and parent is not None and element.text:
                (maps if _name(parent) == "sitemap" else pages).append(element.text)
            elif _name(element) in ("url", "sitemap"):
                element.clear()
            if len(pages) + len(maps) >= MAX_ENTRIES:
                break
    except etree.XMLSyntaxError as error:
        if not pages and not maps:
            raise Rejected(f"no sitemap: {error.msg}", field="seed_value") from error
    return Sitemap(_here(url, pages), _here(url, maps))


def _here(url: str, found: list[str]) -> tuple[str, ...]:
    home = origin(normal_url(url) or url)
    normal = (each for link in found if (each := normal_url(link, url)))
    return tuple(dict.fromkeys(each for each in normal if origin(each) == home))


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise Rejected(f"damaged gzip: {error}", field="seed_value") from error
    if unpacker.unconsumed_tail:
        raise Rejected(f"a sitemap of over {MAX_BYTES:,} bytes is not read", field="seed_value")
    return unpacked
