"""Matrix as a connector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni.connectors.connector import Connector
from omni.connectors.matrix.client import MatrixClient
from omni.connectors.matrix.inbox import MatrixInbox
from omni.connectors.matrix.mapping import AUTHENTICATED_MEDIA, PLATFORM
from omni.connectors.matrix.sender import MatrixSender
from omni.connectors.matrix.source import MatrixSource
from omni.connectors.types import SeedType

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.connectors.http import HttpClient


def open_source(http: HttpClient, settings: Settings) -> MatrixSource | None:
    """Return the source; None where homeserver or token are not set: strangers see nobody."""
    if settings.matrix_url is None or settings.matrix_token is None:
        return None
    token = settings.matrix_token.get_secret_value()
    return MatrixSource(MatrixClient(http, settings.matrix_url, token))


def media_authorizations(settings: Settings) -> dict[str, str]:
    """Return what people's pictures are fetched with: homeservers show them to accounts only."""
    if settings.matrix_url is None or settings.matrix_token is None:
        return {}
    where = f"{settings.matrix_url.rstrip('/')}/{AUTHENTICATED_MEDIA}/"
    return {where: f"Bearer {settings.matrix_token.get_secret_value()}"}


def open_sender(http: HttpClient, settings: Settings) -> MatrixSender | None:
    """Return the sender; None where no homeserver is set."""
    return MatrixSender(http, settings.matrix_url) if settings.matrix_url else None


def open_inbox(http: HttpClient, settings: Settings) -> MatrixInbox | None:
    """Return the inbox; None where no homeserver is set."""
    return MatrixInbox(http, settings.matrix_url) if settings.matrix_url else None


MATRIX = Connector(
    PLATFORM,
    sender=open_sender,
    inbox=open_inbox,
    base_urls=lambda settings: (settings.matrix_url,) if settings.matrix_url else (),
    source=open_source,
    seeds=(
        SeedType("search", "People in the homeserver's directory with these words.", "ann"),
        SeedType("room", "People in a room that your account may see.", "#climate:matrix.example"),
        SeedType("actor", "One person, by user id.", "@ann:matrix.example"),
    ),
    authorizations=media_authorizations,
)
