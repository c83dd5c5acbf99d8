"""Leads with the reason for each, and a person's decision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import Decision, LeadOut
from omni.ui.layout import attempt, chip, nothing
from omni.ui.why import show_why

PAGE = 20
STATES = ("all", "new", "accepted", "rejected", "contacted", "replied", "withdrawn")


class LeadList:
    """The leads of one campaign, best first, one page after the other."""

    def __init__(
        self, client: OmniClient, campaign_id: int, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self._client = client
        self._campaign_id = campaign_id
        self._changed = changed
        self._state = "all"
        self._cursor: str | None = None

    async def draw(self) -> None:
        """Draw the filter and the first page."""
        ui.toggle(list(STATES), value="all", on_change=lambda e: self._show(str(e.value))).props(
            "dense no-caps unelevated"
        )
        self._list = ui.column().classes("w-full gap-3")
        self._more = ui.button("More", on_click=self._next).props("flat no-caps")
        await self.reload()

    async def reload(self) -> None:
        """Begin again at the first page."""
        self._cursor = None
        self._list.clear()
        await self._next()

    async def _show(self, state: str) -> None:
        self._state = state
        await self.reload()

    async def _next(self) -> None:
        page = await attempt(
            self._client.leads(
                self._campaign_id,
                state=None if self._state == "all" else self._state,
                limit=PAGE,
                cursor=self._cursor,
            )
        )
        if page is None:
            return
        with self._list:
            if not page.items and self._cursor is None:
                nothing("No leads here. Discover people, then qualify them.")
            for lead in page.items:
                self._card(lead)
        self._cursor = page.next_cursor
        self._more.set_visibility(page.next_cursor is not None)

    def _card(self, lead: LeadOut) -> None:
        card = ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-lead={lead.id}")
        with card:
            self._fill(card, lead)

    def _fill(self, card: ui.card, lead: LeadOut) -> None:
        with ui.row().classes("w-full items-center gap-3 no-wrap"):
            ui.circular_progress(value=round(lead.score * 100), max=100, size="44px").props(
                'track-color=grey-4 aria-label="Score in per cent"'
            )
            with ui.column().classes("gap-0"):
                ui.label(lead.display_name or lead.username).classes("font-semibold")
                ui.label(f"{lead.username} · {lead.platform}").classes("omni-muted text-sm")
            chip(lead.state)
            ui.space()
            ui.button(
                "Why?",
                icon="help_outline",
                on_click=lambda: show_why(self._client, lead.campaign_id, lead.profile_id),
            ).props("flat dense no-caps")
            if lead.state in ("new", "accepted", "rejected"):
                self._decision(card, lead, "accepted", "Accept", "check")
                self._decision(card, lead, "rejected", "Reject", "close")
        for reason in lead.reasons:
            with ui.column().classes("omni-quote gap-0"):
                ui.label(reason.criterion).classes("text-sm font-medium")
                ui.label(f"“{reason.evidence}”").classes("omni-muted text-sm omni-text")

    def _decision(
        self, card: ui.card, lead: LeadOut, kind: Decision, label: str, icon: str
    ) -> None:
        async def decide() -> None:
            decided = await attempt(self._client.decide_lead(lead.id, kind), f"{label}ed")
            if decided is None:
                return
            card.clear()
            with card:
                self._fill(card, decided)
            await self._changed()

        button = ui.button(label, icon=icon, on_click=decide).props("outline dense no-caps")
        button.set_enabled(lead.state != kind)
