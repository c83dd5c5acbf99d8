"""Leads with the reason for each, and a person's decision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.lead_files import LeadFormat
from omni.client.models import Decision, LeadOut, Page
from omni.ui.freshness import draw_picture
from omni.ui.layout import attempt, chip
from omni.ui.paging import PAGE, PagedList
from omni.ui.recordings import show_recordings
from omni.ui.why import show_why

FILES: dict[LeadFormat, str] = {
    "csv": "CSV, for spreadsheets",
    "jsonl": "JSON lines, for programs",
    "parquet": "Parquet, for data tools",
}
STATES = ("all", "new", "accepted", "rejected", "contacted", "replied", "withdrawn")


class LeadList(PagedList[LeadOut]):
    """The leads of one campaign, best first."""

    def __init__(
        self, client: OmniClient, campaign_id: int, changed: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(STATES)
        self._client = client
        self._campaign_id = campaign_id
        self._changed = changed
        self._avatars: dict[int, str] = {}

    def draw_extra(self) -> None:
        """Offer the leads that are shown as a file, all of them."""
        with ui.dropdown_button("Export", icon="download", auto_close=True).props(
            "flat dense no-caps data-export"
        ):
            for kind, words in FILES.items():
                ui.item(words, on_click=partial(self._export, kind))

    def _export(self, kind: LeadFormat) -> None:
        of_state = "" if self.state == "all" else f"?state={self.state}"
        ui.download.from_url(f"/campaigns/{self._campaign_id}/leads.{kind}{of_state}")

    async def fetch(self, state: str, cursor: str | None) -> Page[LeadOut]:
        """Ask for a page of leads."""
        wanted = None if state == "all" else state
        page = await self._client.leads(self._campaign_id, state=wanted, limit=PAGE, cursor=cursor)
        # A list without faces is better than none.
        with suppress(ApiProblem, ApiUnreachable):
            self._avatars |= await self._client.avatars([lead.profile_id for lead in page.items])
        return page

    def empty_text(self, state: str) -> str:
        """Say what would bring leads."""
        return "No leads here. Discover people, then qualify them."

    def draw_item(self, item: LeadOut) -> None:
        """Draw a lead with its reasons and what can be decided."""
        card = ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-lead={item.id}")
        with card:
            self._fill(card, item)

    def _fill(self, card: ui.card, lead: LeadOut) -> None:
        with ui.row().classes("w-full items-center justify-between gap-x-3 gap-y-2"):
            self._who(lead)
            self._actions(card, lead)
        if lead.later_score is not None:
            fits = "fits" if lead.later_qualified else "does not fit"
            ui.label(
                f"The verdict has changed since you decided: {lead.later_score:.2f}, {fits}. "
                "The lead stays as you left it."
            ).classes("text-sm").props("role=note")
        for reason in lead.reasons:
            with ui.column().classes("omni-quote gap-0"):
                ui.label(reason.criterion).classes("text-sm font-medium")
                ui.label(f"“{reason.evidence}”").classes("omni-muted text-sm omni-text")

    def _who(self, lead: LeadOut) -> None:
        with ui.row().classes("items-center gap-3 no-wrap").style("min-width:0"):
            ui.circular_progress(value=round(lead.score * 100), max=100, size="44px").props(
                'track-color=grey-4 aria-label="Score in per cent"'
            ).style("flex:none")
            if lead.profile_id in self._avatars:
                draw_picture(self._avatars[lead.profile_id], "44px")
            with ui.column().classes("gap-0").style("min-width:0"):
                ui.label(lead.display_name or lead.username).classes("font-semibold omni-text")
                ui.label(f"{lead.username} · {lead.platform}").classes(
                    "omni-muted text-sm omni-text"
                )
            chip(lead.state).style("flex:none")

    def _actions(self, card: ui.card, lead: LeadOut) -> None:
        with ui.row().classes("items-center gap-2"):
            ui.button(
                "Why?",
                icon="help_outline",
                on_click=lambda: show_why(self._client, lead.campaign_id, lead.profile_id),
            ).props("flat dense no-caps")
            if lead.state in ("new", "accepted", "rejected"):
                self._decision(card, lead, "accepted", "Accept", "check")
                self._decision(card, lead, "rejected", "Reject", "close")
            ui.button("History", icon="history", on_click=lambda: self._history(lead)).props(
                "flat dense no-caps"
            )
            ui.button(
                "What was said",
                icon="forum",
                on_click=lambda: show_recordings(self._client, lead),
            ).props("flat dense no-caps")

    async def _history(self, lead: LeadOut) -> None:
        """Show what became of a lead."""
        changes = await attempt(self._client.lead_changes(lead.id))
        with ui.dialog(value=True), ui.card().classes("gap-2"):
            ui.label(f"What became of {lead.display_name or lead.username}").classes(
                "font-semibold"
            )
            for change in changes or []:
                came = f"{change.old_state} → " if change.old_state else ""
                when = f"{change.changed_at:%Y-%m-%d %H:%M}"
                ui.label(
                    f"{when} · {change.cause}: {came}{change.new_state}, {change.new_score:.2f}"
                ).classes("text-sm")
            if not changes:
                ui.label("Nothing has been noted yet.").classes("omni-muted text-sm")

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
