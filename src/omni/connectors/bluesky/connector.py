"""Bluesky as a connector."""

from __future__ import annotations

from omni.connectors.bluesky.mapping import PLATFORM
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.connector import Connector
from omni.connectors.types import SeedType

BLUESKY = Connector(
    PLATFORM,
    base_urls=lambda settings: (settings.bluesky_appview_url,),
    seeds=(
        SeedType("search", "People whose name or profile has these words.", "solar energy"),
        SeedType("followers", "People who follow this one.", "alice.bsky.social"),
        SeedType("follows", "People whom this one follows.", "alice.bsky.social"),
        SeedType("actor", "One person, by handle, DID or profile page.", "alice.bsky.social"),
    ),
    source=lambda http, settings: BlueskySource(http, settings.bluesky_appview_url),
)
