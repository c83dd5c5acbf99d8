"""Mastodon as a connector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni.connectors.connector import Connector
from omni.connectors.mastodon.client import MastodonClient
from omni.connectors.mastodon.inbox import MastodonInbox
from omni.connectors.mastodon.mapping import PLATFORM
from omni.connectors.mastodon.sender import MastodonSender
from omni.connectors.mastodon.source import MastodonSource
from omni.connectors.types import SeedType

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.connectors.http import HttpClient


def open_source(http: HttpClient, settings: Settings) -> MastodonSource | None:
    """Return the source; None where no home server is set.

    There is no default: whose rules and limits hold is for the user to choose.
    """
    if settings.mastodon_url is None:
        return None
    token = settings.mastodon_token.get_secret_value() if settings.mastodon_token else None
    return MastodonSource(MastodonClient(http, settings.mastodon_url, token))


def open_sender(http: HttpClient, settings: Settings) -> MastodonSender:
    """Return the sender; accounts whose handle names their server need no setting."""
    return MastodonSender(http, settings.mastodon_url)


def open_inbox(http: HttpClient, settings: Settings) -> MastodonInbox:
    """Return the inbox that belongs to the sender."""
    return MastodonInbox(http, settings.mastodon_url)


MASTODON = Connector(
    PLATFORM,
    sender=open_sender,
    inbox=open_inbox,
    base_urls=lambda settings: (settings.mastodon_url,) if settings.mastodon_url else (),
    source=open_source,
    seeds=(
        SeedType("search", "People whose name has these words.", "ceramics"),
        SeedType("hashtag", "People who write in public with this hashtag.", "#ceramics"),
        SeedType("followers", "People who follow this one.", "@ann@mastodon.example"),
        SeedType("following", "People whom this one follows.", "@ann@mastodon.example"),
        SeedType(
            "directory",
            "People who asked to be listed: active or new, of everywhere or local.",
            "local new",
        ),
        SeedType("actor", "One person, by name or profile page.", "@ann@mastodon.example"),
    ),
)
