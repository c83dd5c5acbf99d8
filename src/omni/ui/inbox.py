"""Who wrote back: conversations, those that moved last first."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import REPLY_CLASSES, Page, ThreadOut
from omni.ui.layout import ago, chip
from omni.ui.paging import PAGE, PagedList

FILTERS = ("all", "unread", *REPLY_CLASSES)
SAID_BY = {"platform": "the platform", "rules": "rules", "model": "a model", "person": "a person"}
"""Who said what a reply means, in words."""


class InboxPage(PagedList[ThreadOut]):
    """The conversations, with a filter by what their newest event says."""

    def __init__(self, client: OmniClient) -> None:
        super().__init__(FILTERS)
        self._client = client

    async def draw(self) -> None:
        """Draw the heading, the filter and the list."""
        ui.label("Inbox").classes("text-2xl font-semibold")
        ui.label(
            "Whoever wrote back. A reply stops what waits for them, in all campaigns."
        ).classes("omni-muted")
        await super().draw()

    async def fetch(self, state: str, cursor: str | None) -> Page[ThreadOut]:
        """Ask for a page of conversations."""
        kind = state if state in REPLY_CLASSES else None
        return await self._client.list_threads(
            kind=kind, unread=state == "unread", limit=PAGE, cursor=cursor
        )

    def empty_text(self, state: str) -> str:
        """Say what brings conversations."""
        if state == "all":
            return "Nobody has written back yet. Inboxes are read every five minutes."
        return "No conversation here."

    def draw_item(self, item: ThreadOut) -> None:
        """Draw who wrote, what they said last, and what to do."""
        unread = str(item.unread).lower()
        card = ui.card().classes("w-full gap-1 p-4")
        with card.props(f"flat bordered data-thread={item.id} data-unread={unread}"):
            with ui.row().classes("w-full items-center gap-x-3 gap-y-1"):
                if item.unread:
                    ui.badge("new", color="primary").props("rounded").classes("px-2")
                # The link's text is text: a name of a stranger's making cannot mark itself up.
                weight = "font-semibold" if item.unread else ""
                ui.link(item.username, f"/inbox/{item.id}").classes(f"omni-text {weight}")
                chip(item.kind)
                if item.suppressed:
                    ui.badge("suppressed", color="negative").props("rounded").classes("px-2")
                ui.space()
                ui.label(ago(item.last_at)).classes("omni-muted text-sm whitespace-nowrap")
            if item.last_text:
                ui.label(item.last_text).classes("omni-text text-sm")
            ui.label(f"{item.next_step}.").classes("text-sm font-medium omni-text")
            ui.label(_whence(item)).classes("omni-muted text-sm omni-text")


def _whence(thread: ThreadOut) -> str:
    campaign = f" · campaign {thread.campaign_id}" if thread.campaign_id is not None else ""
    said_by = SAID_BY[thread.classed_by]
    return f"{thread.platform}, to {thread.account}{campaign} · class by {said_by}"
