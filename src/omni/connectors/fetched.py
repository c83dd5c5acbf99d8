"""What `HttpClient.get` returns: an answer that may also be "not modified". Pure.

Conditional requests are those of RFC 9110, section 13; links are those of RFC 8288.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urljoin

import msgspec

from omni.base.errors import Transient

MAX_VALIDATOR = 1_000
"""The most characters of an entity tag that is kept: a longer one is as good as none."""
_MAX_LINKS = 100

_LINK = re.compile(r'<([^<>]{1,8192})>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)')
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s",;]+))')


@dataclass(frozen=True, slots=True)
class Validators:
    """By what a server tells whether something is still as it was.

    Attributes:
        etag: The entity tag as it came, quotes included.
        last_modified: The date as it came.
    """

    etag: str | None = None
    last_modified: str | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to ask with."""
        return bool(self.etag or self.last_modified)

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for it only if it has changed."""
        named = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer.

    Attributes:
        status: `not_modified` only where validators were given; `body` is empty then.
        url: The one that answered, after redirects.
        headers: Names in lower case; values of a name that came several times have commas between.
        validators: To ask with next time. With `not_modified` those of the answer or, where it
            names none, those that were asked with.
        content_type: Media type in lower case, empty if none was named.
        charset: In lower case, as Python names it; None if none, or one that there is not, was
            named.
    """

    status: Literal["ok", "not_modified"]
    url: str
    headers: Mapping[str, str]
    body: bytes
    validators: Validators
    content_type: str
    charset: str | None
    parsed: Any = field(default=None, repr=False)

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            Transient: It is not JSON. It is never raised where JSON was accepted alone
                (`accept="application/json"`): then the client has already tried again.
        """
        if self.parsed is not None:
            return self.parsed
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Transient(f"{self.url.partition('?')[0]} sent no JSON") from error

    def text(self, fallback: str = "utf-8") -> str:
        """Return the body as text in its charset; what is not of it becomes U+FFFD."""
        return self.body.decode(self.charset or fallback, "replace")

    def link(self, rel: str) -> str | None:
        """Return the absolute URL of the first `Link` of this relation, such as `next`."""
        for found in _LINK.finditer(self.headers.get("link", "")[: _MAX_LINKS * 8_192]):
            for name, quoted, plain in _PARAMETER.findall(found[2]):
                if name.lower() == "rel" and rel in (quoted or plain).lower().split():
                    with suppress(ValueError):  # such as an IPv6 address that does not end
                        return urljoin(self.url, found[1])
        return None


def validators_of(headers: Mapping[str, str], known: Validators | None = None) -> Validators:
    """Return the validators that an answer names, else `known`."""
    etag, date = headers.get("etag"), headers.get("last-modified")
    etag = etag if etag and len(etag) <= MAX_VALIDATOR else None
    date = date if date and len(date) <= MAX_VALIDATOR else None
    return Validators(etag, date) if etag or date else known or Validators()


def read_content_type(value: str) -> tuple[str, str | None]:
    """Return media type and charset of a `Content-Type`, each as in `Fetched`."""
    media_type, _, rest = value.partition(";")
    charset = None
    for name, quoted, plain in _PARAMETER.findall(";" + rest):
        if name.lower() == "charset":
            try:
                charset = codecs.lookup(quoted or plain).name
                b"a".decode(charset, "replace")  # refuses codecs that are not of text
            except (LookupError, ValueError):
                charset = None
    return media_type.strip().lower(), charset


def fits_media_type(found: str, accept: str) -> bool:
    """Tell whether a media type is one that an `Accept` header means; weights do not matter."""
    wanted = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return any(
        each in ("*/*", found) or (each.endswith("/*") and found.startswith(each[:-1]))
        for each in wanted
    )
