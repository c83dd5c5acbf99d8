"""What crosses a connector's port: seeds, raw profiles, messages, events. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

EventKind = Literal[
    "delivered", "seen", "replied", "interested", "not_interested", "out_of_office", "opt_out",
    "blocked", "bounced", "accepted", "rejected", "converted",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seed:
    """Where a crawl begins: `followers` of `alice.example`, a `search` for words."""

    platform: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class SeedType:
    """A kind of seed as a person is told of it.

    Attributes:
        name: The `Seed.type` that it is.
        about: One sentence: whom it leads to, and what its value is.
        example: A value, as a person would write it.
    """

    name: str
    about: str
    example: str


@dataclass(frozen=True, slots=True)
class RefPage:
    """One page of people that a seed leads to.

    Attributes:
        platform_ids: Immutable ids, in the platform's order.
        cursor: Where the next page begins; None at the end.
    """

    platform_ids: tuple[str, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RawPost:
    """A public post. Counts are None where the platform does not tell."""

    text: str
    created_at: datetime | None
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None


@dataclass(frozen=True, slots=True)
class RawProfile:
    """A person as the platform shows them, in the common shape that enrichment reads.

    Attributes:
        platform_id: Immutable id (DID, account URL, mxid).
        image_urls: At most three, avatar first.
        links: Full URLs from the profile's own link fields (links in texts are found later).
        extra: Whatever else the platform says; kept in the payload, not read by enrichment.
    """

    platform: str
    platform_id: str
    username: str
    display_name: str | None = None
    bio: str | None = None
    followers: int | None = None
    follows: int | None = None
    posts_count: int | None = None
    created_at: datetime | None = None
    is_bot: bool = False
    accepts_messages: bool | None = None
    discoverable: bool = True
    image_urls: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    posts: tuple[RawPost, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account's identity on its platform; `secret` is decrypted only for one call."""

    handle: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an account is at its platform: the immutable id, and the handle that people read."""

    platform_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way; `key` is the same for the same message, where platforms honour it.

    Attributes:
        username: How people read the recipient's name, for whom a message is handed over to.
    """

    platform_id: str
    text: str
    key: str
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform took the message; `message_id` is its name there."""

    message_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """Something that came back.

    Attributes:
        event_id: Stable at the platform, so that reading it twice is a no-op.
        platform_id: Whom it is from.
        in_reply_to: The platform's id of our message, where it says so.
    """

    event_id: str
    kind: EventKind
    platform_id: str
    text: str | None
    occurred_at: datetime
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Events since a cursor, and the cursor to ask with next; `more` says to ask again at once."""

    events: tuple[InboxEvent, ...]
    cursor: str | None
    more: bool = False


HostState = Literal["ok", "slowed", "paused", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class HostMetrics:
    """How one host, or one proxy on the way to hosts, does, as one process sees it since it began.

    Of a proxy only what its tunnels show is known: no bytes, no times, and no limit of its pace.

    Attributes:
        host: With its port.
        state: `slowed` gets fewer requests than it could, `paused` asked to be left alone, `open`
            failed so often that it rests, `half_open` is about to be tried again.
        limited: Answers with status 429.
        bytes_in: Bytes of answers' bodies, unpacked.
        errors: Failures by kind, such as `timeout` or `status 503`.
        p50_ms: Median time of the last answers, milliseconds; None before the first.
        p95_ms: Their 95th percentile.
        in_flight: Requests under way.
        waiting: Requests that wait for a place.
        concurrency: The most requests at a time, at present.
        rate_limit: The most requests a second, at present; None where nothing limits them.
        rate: Good answers a second, of about the last two seconds.
        next_try_s: Seconds until it may be asked again; 0 where it may be now.
        is_proxy: Requests went out through it; they are counted at their hosts too.
    """

    host: str
    state: HostState
    requests: int
    limited: int
    bytes_in: int
    errors: dict[str, int]
    last_error: str | None
    p50_ms: float | None
    p95_ms: float | None
    in_flight: int
    waiting: int
    concurrency: int
    rate_limit: float | None
    rate: float
    next_try_s: float
    is_proxy: bool = False
