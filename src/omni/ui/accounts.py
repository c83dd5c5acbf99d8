"""Who sends, within which limits; and who must not be written to."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.ui.layout import ago, attempt, nothing
from omni.ui.senders import SenderList


class AccountsPage:
    """Accounts and suppressions."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw both lists, each with its form."""
        ui.label("Accounts").classes("text-2xl font-semibold")
        ui.label("Messages go out from these, within their limits.").classes("omni-muted")
        await SenderList(self._client).draw()
        ui.label("Suppressions").classes("text-2xl font-semibold pt-4")
        ui.label("Nobody here is written to until a person says so expressly.").classes(
            "omni-muted"
        )
        await self._suppressions()
        self._suppression_form()

    @ui.refreshable_method
    async def _suppressions(self) -> None:
        page = await attempt(self._client.list_suppressions(limit=50))
        if page is None:
            return
        if not page.items:
            nothing("Nobody has asked not to be written to.")
        for person in page.items:
            with ui.row().classes("w-full items-center gap-3"):
                ui.label(person.platform_id).classes("font-mono text-sm omni-text")
                ui.label(f"{person.platform} · {person.reason}").classes("omni-muted text-sm")
                ui.space()
                ui.label(ago(person.created_at)).classes("omni-muted text-sm")

    def _suppression_form(self) -> None:
        with ui.row().classes("w-full items-end gap-3"):
            platform = ui.input("Platform")
            person = ui.input("Immutable id (DID, account URL, …)").classes("grow")

            async def add() -> None:
                added = await attempt(
                    self._client.suppress(
                        platform=str(platform.value or ""), platform_id=str(person.value or "")
                    ),
                    "Never to be written to again",
                )
                if added is not None:
                    self._suppressions.refresh()

            ui.button("Suppress", on_click=add).props("no-caps outline color=negative")
