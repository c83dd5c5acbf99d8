"""Whom a suppression concerns: a person, a domain, a platform or everybody. Pure.

A suppression is a pair (platform, platform_id). `*` stands for any, and a domain stands in the
place of an id under the platform `*`. What pairs a person goes by is the function
`suppression_keys` of the database.
"""

from __future__ import annotations

import re
from typing import Final

import idna

from omni.base.errors import Rejected
from omni.leads.types import Scope
from omni.leads.whom import is_link, platform_of, read_person

ANY: Final = "*"
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])?")


def keys_of(scope: Scope, platform: str | None, value: str | None) -> tuple[tuple[str, str], ...]:
    """Return the pairs under which a suppression is written: every spelling of it.

    Args:
        scope: Whom it concerns.
        platform: Of a `platform`, and of a `person` whose link does not say it.
        value: The immutable id, the username or the link of a `person`; the `domain`.

    Raises:
        Rejected: A part is missing or makes no sense (fields `platform`, `platform_id`, `domain`).
    """
    if scope == "all":
        return ((ANY, ANY),)
    if scope == "domain":
        return tuple((ANY, spelled) for spelled in read_domain(value or ""))
    if scope == "person" and not (platform or "").strip():
        platform = platform_of(value or "")
        if platform is None:
            raise Rejected(f"is needed: {(value or '')[:60]!r} does not say it", field="platform")
    named = read_platform(platform or "")
    if scope == "platform":
        return ((named, ANY),)
    return tuple((named, spelled) for spelled in read_person(named, value or ""))


def read_platform(text: str) -> str:
    """Return a platform's name.

    Raises:
        Rejected: It can be none (field `platform`).
    """
    name = text.strip().lower()
    if not _PLATFORM.fullmatch(name):
        raise Rejected(f"not the name of a platform: {text[:60]!r}", field="platform")
    return name


def read_domain(text: str) -> tuple[str, ...]:
    """Return a domain as the wire has it, and as it is shown where that differs, in lower case.

    Accepted are `example.org`, `@example.org`, `*.example.org` and an address such as
    `https://example.org/about`.

    Raises:
        Rejected: It is none, or a whole top-level domain (field `domain`).
    """
    if is_link(text):
        raise Rejected(
            f"{text.strip()[:60]!r} is the link of a person: suppress them, or only its domain",
            field="domain",
        )
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower())
    bare = re.split(r"[/?#:]", bare, maxsplit=1)[0].removeprefix("*.").removeprefix("@").strip(".")
    if len(bare) > 253 or not _DOMAIN.fullmatch(bare):
        raise Rejected(f"not a domain: {text[:60]!r}; write it like example.org", field="domain")
    wire = _on_the_wire(bare)
    try:
        shown = idna.decode(wire)
    except idna.IDNAError:
        shown = bare
    return tuple(dict.fromkeys((wire, shown, bare)))


def _on_the_wire(domain: str) -> str:
    """Return an internationalised domain as DNS has it; one that IDNA does not know as it is."""
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain
