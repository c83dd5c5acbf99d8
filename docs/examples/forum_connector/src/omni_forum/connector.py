"""The forum as a connector: what the entry point in `pyproject.toml` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni.connectors.connector import Connector
from omni.connectors.types import SeedType
from omni_forum.settings import ForumSettings
from omni_forum.source import ForumSource
from omni_forum.wire import PLATFORM

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.connectors.http import HttpClient


def base_urls(settings: Settings) -> tuple[str, ...]:
    """Say where the forum is, so that it may be asked even if it is on this machine."""
    url = ForumSettings().url
    return (url,) if url else ()


def open_source(http: HttpClient, settings: Settings) -> ForumSource | None:
    """Open the reader; None where no forum is set, and then there is no such platform."""
    own = ForumSettings()
    if own.url is None:
        return None
    return ForumSource(http, own.url, own.token.get_secret_value() if own.token else None)


FORUM = Connector(
    PLATFORM,
    base_urls=base_urls,
    source=open_source,
    seeds=(
        SeedType("search", "Members whose name or profile has these words.", "pottery"),
        SeedType("topic", "Members who write in this topic, by its number.", "7"),
        SeedType("member", "One member, by name or number.", "ann"),
    ),
)
