"""Who sends, within which limits."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.ui.senders import SenderList


class AccountsPage:
    """Accounts."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw the list, with its form."""
        ui.label("Accounts").classes("text-2xl font-semibold")
        ui.label("Messages go out from these, within their limits.").classes("omni-muted")
        await SenderList(self._client).draw()
        ui.link("Who must not be written to", "/suppressions")
