"""A conversation: what was said, what it was taken for, what follows, and an answer."""

from __future__ import annotations

from http import HTTPStatus

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.models import (
    REPLY_CLASSES,
    ClassChangeOut,
    ConversationOut,
    ReplyClass,
    SaidOut,
    ThreadOut,
)
from omni.ui.inbox import SAID_BY
from omni.ui.layout import ago, attempt, chip, no_page

SUPPRESSES = (
    "opt_out suppresses at once: nobody writes to them any more, and what waits for them is "
    "cancelled."
)
LIFTS_NOTHING = (
    "Taking an opt-out for something else does not lift the suppression: that is done expressly."
)
"""Both stand where a class is chosen, before it counts."""


class ConversationPage:
    """One person who wrote back to one account."""

    def __init__(self, client: OmniClient, thread_id: int) -> None:
        self._client = client
        self._id = thread_id

    async def draw(self) -> None:
        """Draw the conversation, and note that it was looked at."""
        try:
            found = await self._client.get_thread(self._id)
        except ApiProblem as problem:
            missing = problem.status == HTTPStatus.NOT_FOUND
            no_page(f"There is no conversation {self._id}" if missing else str(problem))
            return
        except ApiUnreachable as problem:
            no_page(str(problem))
            return
        ui.link("Inbox", "/inbox")
        self._head(found.thread)
        if found.thread.unread:
            await attempt(self._client.mark_thread_read(self._id))
        await self._body()
        self._answer(found.thread)

    def _head(self, thread: ThreadOut) -> None:
        with ui.row().classes("w-full items-center gap-3"):
            ui.label(thread.username).classes("text-2xl font-semibold omni-text")
            if thread.campaign_id is not None:
                ui.link(f"campaign {thread.campaign_id}", f"/campaigns/{thread.campaign_id}")
        ui.label(f"{thread.platform_id} on {thread.platform}, to {thread.account}").classes(
            "omni-muted text-sm omni-text"
        )

    @ui.refreshable_method
    async def _body(self) -> None:
        found = await attempt(self._client.get_thread(self._id))
        if found is None:
            return
        _next(found)
        for said in found.said:
            if said.ours:
                _ours(said)
            else:
                self._theirs(said, [c for c in found.classes if c.event_id == said.id])

    def _theirs(self, said: SaidOut, changes: list[ClassChangeOut]) -> None:
        card = ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-event={said.id}")
        with card:
            with ui.row().classes("w-full items-center gap-x-3 gap-y-1"):
                ui.label("They").classes("font-semibold")
                chip(said.kind)
                if said.classed_by is not None:
                    ui.label(f"says {SAID_BY[said.classed_by]}").classes("omni-muted text-sm")
                ui.space()
                ui.label(ago(said.at)).classes("omni-muted text-sm whitespace-nowrap")
            if said.text:
                ui.label(said.text).classes("omni-text")
            for change in changes:
                _change(change)
            if said.kind in REPLY_CLASSES:
                ui.button("It means something else", on_click=lambda: self._reclass(said)).props(
                    "flat dense no-caps"
                )

    async def _reclass(self, said: SaidOut) -> None:
        with ui.dialog() as dialog, ui.card().classes("w-full gap-3"):
            ui.label("What does this reply mean?").classes("text-lg font-semibold")
            names = {each: each.replace("_", " ") for each in REPLY_CLASSES}
            kind = ui.select(names, label="Class", value=said.kind).classes("w-full")
            note = ui.input("Why? (kept with the change)").classes("w-full")
            for warning in (SUPPRESSES, LIFTS_NOTHING):
                ui.label(warning).classes("text-warning text-sm omni-text")
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat no-caps")
                ui.button("Say so", on_click=lambda: dialog.submit(kind.value)).props(
                    "unelevated no-caps"
                )
        chosen: ReplyClass | None = await dialog
        why = str(note.value or "").strip() or None
        dialog.delete()
        if chosen is None or chosen == said.kind:
            return
        if await attempt(self._client.set_class(said.id, chosen, note=why), "Noted") is not None:
            self._body.refresh()

    def _answer(self, thread: ThreadOut) -> None:
        if thread.campaign_id is None:
            ui.label("No campaign has written to them: answer them on the platform.").classes(
                "omni-muted"
            )
            return
        with ui.card().classes("w-full gap-2 p-4").props("flat bordered data-answer"):
            text = ui.textarea("Answer").props("autogrow outlined").classes("w-full")
            ui.label("It waits for approval, and passes every gate like any message.").classes(
                "omni-muted text-sm"
            )

            async def write() -> None:
                body = str(text.value or "")
                if await attempt(self._client.write_reply(self._id, body), "Written") is not None:
                    text.set_value("")
                    self._body.refresh()

            ui.button("Write answer", on_click=write).props("unelevated no-caps")


def _next(found: ConversationOut) -> None:
    with ui.card().classes("w-full gap-1 p-4").props("flat bordered data-next"):
        ui.label("What comes next").classes("font-semibold")
        ui.label(f"{found.thread.next_step}.").classes("omni-text")
        for each in found.suppressions:
            ui.label(f"Suppressed ({each.scope}): {each.reason}, {ago(each.created_at)}").classes(
                "text-warning text-sm omni-text"
            )


def _ours(said: SaidOut) -> None:
    card = ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-message={said.id}")
    with card:
        with ui.row().classes("w-full items-center gap-x-3 gap-y-1"):
            ui.label("We").classes("font-semibold")
            chip(said.kind)
            ui.space()
            ui.label(ago(said.at)).classes("omni-muted text-sm whitespace-nowrap")
        if said.text:
            ui.label(said.text).classes("omni-text omni-quote")
        if said.error:
            ui.label(said.error).classes("text-warning text-sm omni-text")


def _change(change: ClassChangeOut) -> None:
    note = f": {change.note}" if change.note else ""
    old, new = (kind.replace("_", " ") for kind in (change.old_kind, change.new_kind))
    said_by = SAID_BY[change.classed_by]
    ui.label(f"{old} → {new}, says {said_by}, {ago(change.changed_at)}{note}").classes(
        "omni-muted text-sm omni-text"
    )
