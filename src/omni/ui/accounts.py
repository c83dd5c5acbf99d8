"""Who sends, within which limits; and who must not be written to."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import AccountOut
from omni.ui.layout import ago, attempt, chip, nothing


class AccountsPage:
    """Accounts and suppressions."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw both lists, each with its form."""
        ui.label("Accounts").classes("text-2xl font-semibold")
        ui.label("Messages go out from these, within their limits.").classes("omni-muted")
        await self._accounts()
        await self._account_form()
        ui.label("Suppressions").classes("text-2xl font-semibold pt-4")
        ui.label("Nobody here is ever written to. There is no way back.").classes("omni-muted")
        await self._suppressions()
        self._suppression_form()

    @ui.refreshable_method
    async def _accounts(self) -> None:
        accounts = await attempt(self._client.list_accounts())
        if accounts is None:
            return
        if not accounts:
            nothing("No accounts yet: nothing can be sent.")
        for account in accounts:
            self._account(account)

    def _account(self, account: AccountOut) -> None:
        with (
            ui.card().classes("w-full p-3").props("flat bordered"),
            ui.row().classes("w-full items-center gap-3"),
        ):
            ui.label(account.handle).classes("font-medium")
            ui.label(account.platform).classes("omni-muted")
            chip(account.status)
            ui.label(f"{account.hourly_limit} an hour, {account.daily_limit} a day")
            if account.pause_reason:
                ui.label(account.pause_reason).classes("text-warning text-sm omni-text")
            ui.space()
            pausing = account.status == "active"
            ui.button(
                "Pause" if pausing else "Resume", on_click=lambda: self._toggle(account)
            ).props("flat dense no-caps")

    async def _toggle(self, account: AccountOut) -> None:
        call = (
            self._client.pause_account(account.id)
            if account.status == "active"
            else self._client.resume_account(account.id)
        )
        await attempt(call)
        self._accounts.refresh()

    async def _account_form(self) -> None:
        platforms = [p.platform for p in await attempt(self._client.platforms()) or []]
        with ui.row().classes("w-full items-end gap-3"):
            platform = ui.select(
                platforms, label="Platform", value=platforms[0] if platforms else None
            ).style("min-width:9rem")
            handle = ui.input("Handle")
            secret = ui.input("Token or app password", password=True)
            hourly = ui.number("An hour", value=10, min=0, precision=0).style("width:6rem")
            daily = ui.number("A day", value=50, min=0, precision=0).style("width:6rem")

            async def add() -> None:
                added = await attempt(
                    self._client.create_account(
                        platform=str(platform.value or ""),
                        handle=str(handle.value or ""),
                        secret=str(secret.value) if secret.value else None,
                        hourly_limit=int(hourly.value or 0),
                        daily_limit=int(daily.value or 0),
                    ),
                    "Added",
                )
                if added is not None:
                    secret.set_value("")
                    self._accounts.refresh()

            ui.button("Add account", on_click=add).props("no-caps outline")

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
