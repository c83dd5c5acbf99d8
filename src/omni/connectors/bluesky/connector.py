"""Bluesky as a connector."""

from __future__ import annotations

from omni.connectors.bluesky.mapping import PLATFORM
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.connector import Connector

BLUESKY = Connector(
    PLATFORM,
    base_urls=lambda settings: (settings.bluesky_appview_url,),
    source=lambda http, settings: BlueskySource(http, settings.bluesky_appview_url),
)
