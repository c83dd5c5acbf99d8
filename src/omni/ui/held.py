"""Why is nothing sending? Each gate that holds messages of a campaign, and what helps."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import HeldOut
from omni.ui.layout import attempt
from omni.ui.senders import moment_text
from omni.ui.standstill import draw_standstill


class HeldPanel:
    """What holds a campaign's messages at this moment."""

    def __init__(self, client: OmniClient, campaign_id: int) -> None:
        self._client = client
        self._campaign_id = campaign_id

    async def draw(self) -> None:
        """Draw the panel, with a button that looks again."""
        with ui.card().classes("w-full gap-2 p-4").props("flat bordered data-held"):
            with ui.row().classes("w-full items-center gap-3"):
                ui.label("Why is nothing sending?").classes("font-semibold")
                ui.space()
                again = ui.button("Look again", icon="refresh").props("flat dense no-caps")
            await self._gates()
            again.on_click(self._gates.refresh)

    @ui.refreshable_method
    async def _gates(self) -> None:
        found = await attempt(self._client.held(self._campaign_id))
        if found is None:
            return
        await draw_standstill(self._client, self._campaign_id)
        if not found.items:
            ui.label("No message waits.").classes("omni-muted")
        for each in found.items:
            self._gate(each)
        if found.in_conversation:
            ui.label(in_conversation_words(found.in_conversation)).props(
                "data-in-conversation"
            ).classes("text-sm omni-text")
        if found.finish is not None:
            text = f"What is due could be out by {moment_text(found.finish)}."
            ui.label(text).classes("text-sm omni-muted omni-text")

    def _gate(self, held: HeldOut) -> None:
        with ui.column().classes("w-full gap-0").props(f'data-gate="{held.gate}"'):
            with ui.row().classes("w-full items-baseline gap-2"):
                ui.label(str(held.messages)).classes("text-lg font-semibold")
                ui.label(held.gate).classes("omni-text")
                ui.label(held.platform).classes("omni-muted text-sm")
                if held.next_eligible is not None:
                    when = f"next at {moment_text(held.next_eligible)}"
                    ui.label(when).classes("omni-muted text-sm")
            ui.label(held.help).classes("text-sm omni-muted omni-text")


def in_conversation_words(leads: int) -> str:
    """Say how many leads get no first message because somebody is talking with them."""
    who = "1 lead gets" if leads == 1 else f"{leads:,} leads get"
    return f"{who} no first message: already in conversation. Go on in the inbox."
