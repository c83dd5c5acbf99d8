"""Which platforms' messages are handed over, and how: from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omni.base.errors import Rejected
from omni.connectors.handover.export import ExportSender
from omni.connectors.handover.webhook import WebhookSender

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.connectors.http import HttpClient
    from omni.connectors.ports import MessageSender


def open_handovers(http: HttpClient, settings: Settings) -> dict[str, MessageSender]:
    """Return the senders that take the place of the platforms' own, by platform.

    Raises:
        Rejected: A platform is in both settings.
    """
    exported = names_in(settings.export_platforms)
    hooked = names_in(settings.webhook_sender_platforms) if settings.webhook_sender_url else ()
    both = sorted(set(exported) & set(hooked))
    if both:
        raise Rejected(
            f"{both[0]} stands in OMNI_EXPORT_PLATFORMS and in OMNI_WEBHOOK_SENDER_PLATFORMS:"
            " take it out of one"
        )
    senders: dict[str, MessageSender] = {name: ExportSender(name) for name in exported}
    for name in hooked:
        senders[name] = WebhookSender(http, settings.webhook_sender_url or "", name)
    return senders


def names_in(listed: str) -> tuple[str, ...]:
    """Return the platforms of a list with commas, each once."""
    return tuple(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
