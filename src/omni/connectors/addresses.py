"""Where a request may go: public hosts over https, and this machine only by permission. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urlencode, urlsplit

from omni.base.errors import Rejected
from omni.base.settings import is_loopback

Address = IPv4Address | IPv6Address
Params = Mapping[str, str | int | Sequence[str]]
Loopback = bool | Collection[str]
"""Whether addresses of this machine may be asked: all, none, or those of the listed origins."""

MAX_URL_CHARS = 8_192
_REMEMBERED = 4_096
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\\\x7f]")
_PORTS = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (
    # Clouds answer here with secrets of the machine: Oracle's and Azure's metadata.
    IPv4Network("192.0.0.0/24"),
    IPv4Network("168.63.129.16/32"),
    # Retired or kept for documents, which Python 3.11 does not know yet.
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH_SAFE = "%/:@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed the checks that need no look-up.

    Attributes:
        url: Normalised, without fragment; the URL that is sent.
        host: Lower case, ASCII; an IPv6 address without brackets.
        address: The address, where the host is one.
    """

    url: str
    scheme: str
    host: str
    port: int
    address: Address | None

    @property
    def origin(self) -> str:
        """Scheme, host and port, such as `http://127.0.0.1:8403`."""
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"

    @property
    def authority(self) -> str:
        """Host and port, such as `127.0.0.1:8403`: one server, as far as pace is concerned."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine by its own words."""
        return _is_local(self.host)


def parse_target(url: str, params: Params | None = None, *, loopback: Loopback = False) -> Target:
    """Take a URL apart, refuse what must not be asked, and put it together again.

    It is rebuilt from the parts that were checked, so that no other parser can read another host
    into it.

    Args:
        url: Absolute; http is for this machine only.
        params: Added to the query; None values are not allowed, sequences repeat the name.
        loopback: Whether, or for which origins, this machine may be asked.

    Raises:
        Rejected: Not a URL, a scheme, host or port that is not allowed.
    """
    target = _parse(url, params)
    if target.scheme == "http" and not target.is_local:
        raise Rejected(f"plain http is for this machine only, {target.host} needs https")
    if target.is_local and not _permits(loopback, target.origin):
        raise Rejected(f"{target.origin} is on this machine, which this request may not ask")
    if target.address is not None and not target.is_local:
        check_addresses(target, [target.address])
    return target


def check_addresses(target: Target, addresses: Iterable[Address]) -> None:
    """Refuse addresses that the target's host must not have.

    A host that says it is this machine must be on loopback; every other one must be public.

    Raises:
        Rejected: One of the addresses is not allowed.
    """
    for address in addresses:
        fits = address.is_loopback if target.is_local else is_public(address)
        if not fits:
            raise Rejected(f"{target.host} leads to {address}, which is not a public address")


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to a host on the public internet."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address.sixtofour or address.teredo or address.is_site_local:
            return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def origin_of(url: str) -> str:
    """Return the origin of a URL that a setting names.

    Raises:
        Rejected: Not a URL.
    """
    return _parse(url, None).origin


def _parse(url: str, params: Params | None) -> Target:
    if len(url) > MAX_URL_CHARS or _NOT_IN_A_URL.search(url):
        raise Rejected("a URL with white space, control characters or too many of any")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        name = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError) as error:
        raise Rejected(f"not a URL: {error}") from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not name:
        raise Rejected(f"not an http or https URL with a host: {url[:100]}")
    if parts.username is not None or parts.password is not None:
        raise Rejected("a URL must not hold a user name or password")
    address = _literal(name)
    port = _PORTS[scheme] if port is None else port
    query = "&".join(
        q
        for q in (quote(parts.query, safe=_PATH_SAFE + "?"), urlencode(params or {}, doseq=True))
        if q
    )
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    host = str(address) if address else name.rstrip(".")
    rebuilt = f"{scheme}://{bracketed(host)}:{port}{path}" + (f"?{query}" if query else "")
    return Target(url=rebuilt, scheme=scheme, host=host, port=port, address=address)


_is_local = lru_cache(_REMEMBERED)(is_loopback)


@lru_cache(_REMEMBERED)
def _literal(name: str) -> Address | None:
    try:
        address = ip_address(name)
    except ValueError:
        # "127.1", "0x7f000001" and "2130706433" are addresses to some parsers: to none here.
        if _NUMERIC_LABEL.fullmatch(name.rstrip(".").rpartition(".")[2]):
            raise Rejected(f"{name} is not an address that can be read in one way only") from None
        if len(name) > 253 or not _NAME.fullmatch(name):
            raise Rejected(f"not a host name: {name[:100]}") from None
        return None
    if isinstance(address, IPv6Address) and address.scope_id:
        raise Rejected(f"{name} names a network interface")
    return address


def _permits(loopback: Loopback, origin: str) -> bool:
    return loopback if isinstance(loopback, bool) else origin in loopback


def bracketed(host: str) -> str:
    """Return the host as URLs have it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
