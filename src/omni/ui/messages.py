"""Messages that wait for a person: read, edit, approve or reject."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import MessageOut, Page
from omni.ui.layout import ago, attempt, chip
from omni.ui.paging import PAGE, PagedList
from omni.ui.senders import moment_text

STATES = (
    "pending", "approved", "claimed", "sending", "sent", "failed", "ambiguous", "cancelled",
)  # fmt: skip


class MessageList(PagedList[MessageOut]):
    """The messages of one campaign in one state."""

    def __init__(self, client: OmniClient, campaign_id: int) -> None:
        super().__init__(STATES)
        self._client = client
        self._campaign_id = campaign_id

    async def fetch(self, state: str, cursor: str | None) -> Page[MessageOut]:
        """Ask for a page of messages."""
        return await self._client.messages(
            self._campaign_id, state=state, limit=PAGE, cursor=cursor
        )

    def empty_text(self, state: str) -> str:
        """Say where messages come from."""
        return f"No {state} messages. New leads get a draft if there is a template."

    def draw_item(self, item: MessageOut) -> None:
        """Draw a message with what can be done about it."""
        MessageCard(self._client).draw(item)


class MessageCard:
    """One message, and what a person can do about it.

    Args:
        client: Whom to ask.
        changed: Called when something was done, after the card shows it.
    """

    def __init__(
        self, client: OmniClient, changed: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        self._client = client
        self._changed = changed

    def draw(self, item: MessageOut) -> None:
        """Draw the card."""
        card = ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-message={item.id}")
        with card:
            self._fill(card, item)

    def _fill(self, card: ui.card, message: MessageOut) -> None:
        with ui.row().classes("w-full items-center gap-3"):
            ui.label(f"To {message.username}").classes("font-semibold")
            chip(message.state)
            if message.approved_by == "autopilot":
                ui.badge("by autopilot").props("rounded outline")
            ui.space()
            ui.label(ago(message.sent_at or message.created_at)).classes("omni-muted text-sm")
        if message.state == "pending":
            self._editor(card, message)
        else:
            ui.label(message.body).classes("omni-text")
        held = f"Held: {message.held_by}" if message.state == "approved" else ""
        if held and message.next_eligible is not None:
            held += f", next at {moment_text(message.next_eligible)}"
        for note in filter(None, (message.held_by and held, message.error)):
            ui.label(note).classes("text-warning text-sm omni-text")
        if message.state == "ambiguous":
            self._settling(card, message)

    async def _redraw(self, card: ui.card, changed: MessageOut | None) -> None:
        if changed is None:
            return
        card.clear()
        with card:
            self._fill(card, changed)
        if self._changed is not None:
            await self._changed()

    def _settling(self, card: ui.card, message: MessageOut) -> None:
        ui.label("Look at the platform: is it there? It is not sent again either way.").classes(
            "omni-muted text-sm"
        )

        async def settle(arrived: bool) -> None:
            settled = self._client.settle_message(message.id, arrived=arrived)
            await self._redraw(card, await attempt(settled, "Settled"))

        with ui.row().classes("gap-2"):
            for label, arrived in (("It arrived", True), ("It did not arrive", False)):
                ui.button(label, on_click=partial(settle, arrived)).props("dense no-caps outline")

    def _editor(self, card: ui.card, message: MessageOut) -> None:
        text = ui.textarea(value=message.body).props("autogrow outlined").classes("w-full")

        async def approve() -> None:
            current = message
            if text.value != message.body:
                edited = await attempt(
                    self._client.edit_message(message.id, str(text.value), read=message.body_hash)
                )
                if edited is None:
                    return
                current = edited
            approved = self._client.approve_message(current.id, current.body_hash)
            await self._redraw(card, await attempt(approved, "Approved"))

        async def reject() -> None:
            rejected = self._client.reject_message(message.id)
            await self._redraw(card, await attempt(rejected, "Rejected"))

        with ui.row().classes("gap-2"):
            ui.button("Approve", icon="check", on_click=approve).props("dense no-caps unelevated")
            ui.button("Reject", icon="close", on_click=reject).props("dense no-caps outline")
