"""Bluesky as a connector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni.base.errors import Rejected
from omni.connectors.bluesky.chat import ChatAccounts
from omni.connectors.bluesky.inbox import BlueskyInbox
from omni.connectors.bluesky.listings import SEED_TYPES
from omni.connectors.bluesky.mapping import PLATFORM
from omni.connectors.bluesky.reader import Reader
from omni.connectors.bluesky.sender import BlueskySender
from omni.connectors.bluesky.session import Session
from omni.connectors.bluesky.source import BlueskySource
from omni.connectors.connector import Connector
from omni.connectors.types import Credentials

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.connectors.http import HttpClient


def open_source(http: HttpClient, settings: Settings) -> BlueskySource:
    """Open the reader, with the account in the settings if there is one.

    Raises:
        Rejected: The account's settings are wrong or not all there.
    """
    handle, password = settings.bluesky_handle, settings.bluesky_app_password
    if bool(handle) != bool(password):
        raise Rejected("OMNI_BLUESKY_HANDLE and OMNI_BLUESKY_APP_PASSWORD go together: set both")
    session = None
    if handle and password:
        account = Credentials(handle, password.get_secret_value())
        session = Session(http, settings.bluesky_pds_url, account)
    return BlueskySource(
        Reader(http, settings.bluesky_appview_url, session, settings.bluesky_appview_did)
    )


def open_sender(http: HttpClient, settings: Settings) -> BlueskySender:
    """Open what sends direct messages, for accounts of any handle."""
    return BlueskySender(_chat_accounts(http, settings))


def open_inbox(http: HttpClient, settings: Settings) -> BlueskyInbox:
    """Open what reads their answers."""
    return BlueskyInbox(_chat_accounts(http, settings))


def _chat_accounts(http: HttpClient, settings: Settings) -> ChatAccounts:
    return ChatAccounts(
        http, settings.bluesky_pds_url, settings.bluesky_chat_did, settings.bluesky_appview_did
    )


BLUESKY = Connector(
    PLATFORM,
    sender=open_sender,
    inbox=open_inbox,
    base_urls=lambda settings: (settings.bluesky_appview_url, settings.bluesky_pds_url),
    source=open_source,
    seeds=SEED_TYPES,
)
