"""What a connector is: a platform's name, and how to open the ports that it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.connectors.http import HttpClient
    from omni.connectors.ports import Inbox, MessageSender, ProfileSource
    from omni.connectors.types import SeedType


def _nowhere(settings: Settings) -> Collection[str]:
    return ()


def _nothing(settings: Settings) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Connector:
    """A platform as Omni sees it.

    Attributes:
        platform: Its name: lower-case letters, digits and `-`; the first part of everybody's
            identity, so it never changes.
        base_urls: Where it is asked, by the settings. Those on this machine may be asked; nothing
            else on it may.
        source: Opens the reader of public profiles; None where there is nothing to read, or where
            the settings do not say where.
        sender: Opens what sends direct messages; None where it cannot.
        inbox: Opens what reads answers; None where it cannot.
        seeds: What people are told of the source's seed types, the most useful first.
        authorizations: The `Authorization` that pictures are fetched with, by the prefix of their
            addresses, which ends with a slash; for platforms that show them to accounts only.
    """

    platform: str
    base_urls: Callable[[Settings], Collection[str]] = _nowhere
    source: Callable[[HttpClient, Settings], ProfileSource | None] | None = None
    sender: Callable[[HttpClient, Settings], MessageSender | None] | None = None
    inbox: Callable[[HttpClient, Settings], Inbox | None] | None = None
    seeds: tuple[SeedType, ...] = ()
    authorizations: Callable[[Settings], Mapping[str, str]] = _nothing
