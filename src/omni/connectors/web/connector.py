"""Web pages as a connector."""

from __future__ import annotations

from collections.abc import Collection

from omni.base.settings import Settings
from omni.connectors.connector import Connector
from omni.connectors.types import SeedType
from omni.connectors.web.source import WebSource
from omni.connectors.web.types import PLATFORM


def _origins(settings: Settings) -> Collection[str]:
    return [each.strip() for each in settings.http_loopback_origins.split(",") if each.strip()]


WEB = Connector(
    PLATFORM,
    base_urls=_origins,
    source=lambda http, settings: WebSource(http, settings.user_agent),
    seeds=(
        SeedType(
            "page",
            "Whom a page describes, and whom the pages of its site that it links to describe.",
            "https://example.com/team",
        ),
        SeedType(
            "sitemap",
            "People whose pages a sitemap lists.",
            "https://example.com/sitemap.xml",
        ),
    ),
)
"""Reads people from pages of the web that describe them in their markup."""
