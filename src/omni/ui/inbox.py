"""Who wrote back: conversations, those that moved last first."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.models import REPLY_CLASSES, Page, ThreadOut
from omni.ui.layout import ago, attempt, chip
from omni.ui.paging import PAGE, PagedList

REFRESH_S = 10.0
MAX_CAMPAIGNS = 200
"""The most campaigns to choose from, the newest."""
FILTERS = ("all", "unread", *REPLY_CLASSES)
SAID_BY = {"platform": "the platform", "rules": "rules", "model": "a model", "person": "a person"}
"""Who said what a reply means, in words."""


class InboxPage(PagedList[ThreadOut]):
    """The conversations, with filters by what their newest event says, and by campaign."""

    def __init__(self, client: OmniClient) -> None:
        super().__init__(FILTERS)
        self._client = client
        self._campaign_id: int | None = None
        self._names: dict[int, str] = {}
        self._newest: tuple[int, datetime] | None = None

    async def draw(self) -> None:
        """Draw the heading, the filters and the list, and tell when somebody writes."""
        ui.label("Inbox").classes("text-2xl font-semibold")
        ui.label(
            "Whoever wrote back. A reply stops what waits for them, in all campaigns."
        ).classes("omni-muted")
        await self._campaigns()
        await super().draw()
        ui.timer(REFRESH_S, self._look)

    async def _campaigns(self) -> None:
        page = await attempt(self._client.list_campaigns(limit=MAX_CAMPAIGNS))
        self._names = {each.id: each.name for each in page.items} if page else {}

        async def choose(campaign_id: int) -> None:
            self._campaign_id = campaign_id or None
            await self.reload()

        ui.select(
            {0: "All campaigns", **self._names},
            label="Campaign",
            value=0,
            on_change=lambda e: choose(int(e.value)),
        ).classes("w-full sm:w-72").props("dense outlined")

    async def fetch(self, state: str, cursor: str | None) -> Page[ThreadOut]:
        """Ask for a page of conversations."""
        page = await self._ask(state, cursor, PAGE)
        if cursor is None:
            self._newest = _first(page)
        return page

    async def _ask(self, state: str, cursor: str | None, limit: int) -> Page[ThreadOut]:
        return await self._client.list_threads(
            kind=state if state in REPLY_CLASSES else None,
            unread=state == "unread",
            campaign_id=self._campaign_id,
            limit=limit,
            cursor=cursor,
        )

    async def _look(self) -> None:
        """Tell of news; while the API is away there are none."""
        with suppress(ApiProblem, ApiUnreachable):
            newest = _first(await self._ask(self.state, None, 1))
            if newest != self._newest:
                self._newest = newest
                await self.tell_news()

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
            ui.label(self._whence(item)).classes("omni-muted text-sm omni-text")

    def _whence(self, thread: ThreadOut) -> str:
        told = [f"{thread.platform}, to {thread.account}"]
        if thread.campaign_id is not None:
            told.append(self._names.get(thread.campaign_id, f"campaign {thread.campaign_id}"))
        return " · ".join([*told, f"class by {SAID_BY[thread.classed_by]}"])


def _first(page: Page[ThreadOut]) -> tuple[int, datetime] | None:
    """Return what tells the newest conversation from the same one before it moved."""
    return next(((each.last_event_id, each.last_at) for each in page.items), None)
