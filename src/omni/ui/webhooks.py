"""Which of the user's own programs are told what happens, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import EVENT_KINDS, EndpointMade, EndpointOut
from omni.ui.layout import ago, attempt, chip, nothing

REPLAYS = {"in the last hour": 1, "in the last day": 24, "in the last week": 168}
SHOWN = 20


class WebhooksPage:
    """Endpoints of outgoing webhooks."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw the endpoints, and the form for another."""
        ui.label("Webhooks").classes("text-2xl font-semibold")
        ui.label(
            "These addresses are told what happens, by signed calls. docs/webhooks.md says how a "
            "program verifies them."
        ).classes("omni-muted")
        await self._endpoints()
        self._form()

    @ui.refreshable_method
    async def _endpoints(self) -> None:
        endpoints = await attempt(self._client.webhook_endpoints())
        if endpoints is None:
            return
        if not endpoints:
            nothing("Nobody is told anything.")
        for endpoint in endpoints:
            self._endpoint(endpoint)

    def _endpoint(self, endpoint: EndpointOut) -> None:
        with ui.card().classes("w-full p-3").props(f"flat bordered data-endpoint={endpoint.id}"):
            with ui.row().classes("w-full items-center gap-3"):
                ui.label(endpoint.url).classes("font-medium omni-text")
                chip(endpoint.status)
                ui.space()
                ui.label(f"last taken {ago(endpoint.last_ok_at)}").classes("omni-muted text-sm")
            ui.label(", ".join(endpoint.kinds)).classes("omni-muted text-sm")
            trouble = endpoint.disabled_because or (
                endpoint.failing_since
                and f"failing since {ago(endpoint.failing_since)}: {endpoint.last_error}"
            )
            if trouble:
                ui.label(trouble).classes("text-sm omni-text font-medium")
            with ui.row().classes("w-full items-center gap-2"):
                self._buttons(endpoint)

    def _buttons(self, endpoint: EndpointOut) -> None:
        if endpoint.status == "disabled":
            ui.button("Enable", on_click=lambda: self._enable(endpoint)).props("outline no-caps")
        with ui.button("Tell again").props("outline no-caps"), ui.menu():
            for label, hours in REPLAYS.items():
                ui.menu_item(
                    f"what happened {label}",
                    on_click=lambda _, hours=hours: self._replay(endpoint, hours),
                )
        ui.button("Calls", on_click=lambda: self._calls(endpoint)).props("outline no-caps")
        ui.button("Remove", on_click=lambda: self._remove(endpoint)).props(
            "outline no-caps color=negative"
        )

    async def _enable(self, endpoint: EndpointOut) -> None:
        await attempt(self._client.enable_webhook_endpoint(endpoint.id), "Enabled")
        self._endpoints.refresh()

    async def _replay(self, endpoint: EndpointOut, hours: int) -> None:
        since = datetime.now(UTC) - timedelta(hours=hours)
        done = await attempt(self._client.replay_webhooks(endpoint.id, since=since))
        if done is not None:
            ui.notify(f"{done.events} events are told again", type="info")

    async def _calls(self, endpoint: EndpointOut) -> None:
        found = await attempt(self._client.webhook_deliveries(endpoint.id, limit=SHOWN))
        if found is None:
            return
        with ui.dialog() as dialog, ui.card().classes("w-full"):
            ui.label("Newest calls").classes("text-lg font-medium")
            if not found:
                nothing("No calls yet.")
            for call in found:
                with ui.row().classes("w-full items-center gap-2"):
                    ui.label(call.event_id).classes("font-mono text-sm omni-text")
                    chip(call.state)
                    ui.label(f"{call.attempts} tries · {ago(call.occurred_at)}").classes(
                        "omni-muted text-sm"
                    )
                    if call.error:
                        ui.label(call.error).classes("text-sm omni-text w-full")
            ui.button("Close", on_click=dialog.close).props("flat no-caps")
        dialog.open()

    async def _remove(self, endpoint: EndpointOut) -> None:
        with ui.dialog() as dialog, ui.card():
            ui.label(f"Tell {endpoint.url} nothing any more?").classes("omni-text")
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Keep", on_click=lambda: dialog.submit(False)).props("flat no-caps")
                ui.button("Remove it", on_click=lambda: dialog.submit(True)).props(
                    "unelevated no-caps color=negative"
                )
        if await dialog:
            await attempt(self._client.remove_webhook_endpoint(endpoint.id), "Removed")
            self._endpoints.refresh()

    def _form(self) -> None:
        ui.label("Add an endpoint").classes("text-xl font-semibold pt-4")
        with ui.row().classes("w-full items-end gap-3"):
            url = ui.input("Address").classes("grow").style("min-width:14rem")
            kinds = (
                ui.select(list(EVENT_KINDS), label="Kinds", value=list(EVENT_KINDS), multiple=True)
                .props("use-chips")
                .classes("w-full sm:w-72")
            )

            async def add() -> None:
                made = await attempt(
                    self._client.add_webhook_endpoint(str(url.value or ""), list(kinds.value or []))
                )
                if made is not None:
                    url.set_value("")
                    self._endpoints.refresh()
                    _show_secret(made)

            ui.button("Add endpoint", on_click=add).props("no-caps outline")


def _show_secret(made: EndpointMade) -> None:
    with ui.dialog().props("persistent") as dialog, ui.card():
        ui.label("The secret of this endpoint").classes("text-lg font-medium")
        ui.label("It is shown now and never again: your program verifies the calls with it.")
        ui.label(made.secret or "").classes("font-mono omni-text").props("data-secret")
        ui.button("I have it", on_click=dialog.close).props("unelevated no-caps")
    dialog.open()
