"""Which part of a URL lasts, for comparing: signatures, keys and dates of expiry do not count.

Storage and picture services hand out the same file under another URL at every reading. What passes
stands in the query (`X-Amz-Signature`, `Expires`, `sig`, `token`), in the path (`exp=…~hmac=…`), or
in the host (which of many caches answers). The rules are those of the services named beside them;
a parameter that means something else on another host is only dropped on its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PASSING = re.compile(
    r"x-amz-.*|x-goog-.*|x-oss-.*|awsaccesskeyid|googleaccessid|ossaccesskeyid"  # S3, GCS, OSS
    r"|q-sign-.*|q-ak|q-key-time|q-header-list|q-url-param-list|q-signature"  # Tencent COS
    r"|x-expires|x-signature|expires(?:at|_at|in)?|expiry|exp|signature|signed|sig|key-pair-id|policy"
    r"|se|sp|sv|sr|st|spr|sip|ske?|sks|skt|skv|skoid|sktid"  # Azure's shared access signatures
    r"|token|access_token|auth_token|auth_key|token_path|bcdn_token|verify|hmac|hdnea|hdnts|__token__"
    r"|oh|oe|_nc_.*|stp|ccb|efg|edm|ig_cache_key",  # Meta
    re.IGNORECASE,
)
_PASSING_ON: Mapping[str, frozenset[str]] = {
    "media.licdn.com": frozenset({"e", "v", "t"}),
    "cdn.discordapp.com": frozenset({"ex", "is", "hm"}),
    "media.discordapp.net": frozenset({"ex", "is", "hm"}),
}
"""Short names that pass on these hosts, and mean something elsewhere."""

_PASSING_PART = re.compile(
    r"/(?:[^/]*(?<![a-z])hmac=[^/]*|(?:exp|st)=\d[^/]*~[^/]*|bcdn_token=[^/]*|expires=\d+"
    r"|token=[^/]*|signature=[^/]*)(?=/|$)",
    re.IGNORECASE,
)
"""Parts of a path that sign it: Akamai's and Bunny's tokens."""

_CACHES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"^scontent[a-z0-9-]*(\.[a-z0-9-]+)*\.(fbcdn\.net|cdninstagram\.com)$"),
        r"scontent.\2",
    ),
    (re.compile(r"^p\d+-([a-z-]+?)(?:-[a-z]{2,})?\.(tiktokcdn(?:-[a-z]{2})?\.com)$"), r"\1.\2"),
)
"""Hosts of which any one answers for the others."""


def lasting_url(url: str) -> str:
    """Return `url` without what expires, for comparing: the rest keeps its order."""
    head, mark, query = url.partition("?")
    if "=" in head:
        head = _PASSING_PART.sub("", head)
    if "cdn" in head:
        head = _one_cache(head)
    if not mark:
        return head
    here = _PASSING_ON.get(_host(head), frozenset())
    lasting = [each for each in query.split("&") if not _passes(each.partition("=")[0], here)]
    return f"{head}?{'&'.join(lasting)}" if lasting else head


def _passes(name: str, here: frozenset[str]) -> bool:
    return name in here or _PASSING.fullmatch(name) is not None


def _host(head: str) -> str:
    return head.partition("://")[2].partition("/")[0]


def _one_cache(head: str) -> str:
    host = _host(head)
    for pattern, name in _CACHES:
        folded = pattern.sub(name, host)
        if folded != host:
            return head.replace(host, folded, 1)
    return head
