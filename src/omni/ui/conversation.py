"""A conversation: what was said, what it was taken for, what follows, and an answer."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.models import (
    REPLY_CLASSES,
    ClassChangeOut,
    ConversationOut,
    ReplyClass,
    SaidOut,
    StandingOut,
    ThreadOut,
)
from omni.ui.inbox import REFRESH_S, SAID_BY
from omni.ui.layout import ago, attempt, chip, no_page
from omni.ui.messages import MessageCard

SUPPRESSES = (
    "opt_out suppresses at once: nobody writes to them any more, and what waits for them is "
    "cancelled."
)
LIFTS_NOTHING = (
    "Taking an opt-out for something else does not lift the suppression: that is done expressly, "
    "on the page Suppressions."
)
"""Both stand where a class is chosen, before it counts."""


class ConversationPage:
    """One person who wrote back to one account."""

    def __init__(self, client: OmniClient, thread_id: int) -> None:
        self._client = client
        self._id = thread_id
        self._shown: tuple[object, ...] = ()

    async def draw(self) -> None:
        """Draw the conversation, note that it was looked at, and tell when it moves."""
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
        self._news = ui.button("Show what is new", icon="refresh", on_click=self._again)
        self._news.props("flat dense no-caps").set_visibility(False)
        body = ui.column().classes("w-full gap-4")
        self._answer_box()
        with body:
            await self._body()
        ui.timer(REFRESH_S, self._look)

    async def _again(self) -> None:
        self._body.refresh()

    async def _look(self) -> None:
        """Tell of news without taking away what a person reads or writes."""
        with suppress(ApiProblem, ApiUnreachable):
            if _mark(await self._client.get_thread(self._id)) != self._shown:
                self._news.set_visibility(True)

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
        if found.thread.unread:
            await attempt(self._client.mark_thread_read(self._id))
        self._shown = _mark(found)
        self._news.set_visibility(False)
        self._allow_answer(_why_none(found.thread))
        _next(found)
        still_open = {message.id for message in found.open}
        for said in found.said:
            if not said.ours:
                self._theirs(said, [c for c in found.classes if c.event_id == said.id])
            elif said.id not in still_open:
                _ours(said)
        card = MessageCard(self._client, self._again)
        for message in found.open:
            card.draw(message)

    def _theirs(self, said: SaidOut, changes: list[ClassChangeOut]) -> None:
        card = ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-event={said.id}")
        with card:
            with ui.row().classes("w-full items-center gap-x-3 gap-y-1"):
                who = "The platform" if said.kind in ("delivered", "bounced") else "They"
                ui.label(who).classes("font-semibold")
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

    def _answer_box(self) -> None:
        self._no_answer = ui.label().classes("omni-text").props("data-no-answer")
        self._answer = ui.card().classes("w-full gap-2 p-4").props("flat bordered data-answer")
        with self._answer:
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

    def _allow_answer(self, why_not: str) -> None:
        """Offer the answer, or say why there can be none; what was typed stays."""
        self._no_answer.set_text(why_not)
        self._no_answer.set_visibility(bool(why_not))
        self._answer.set_visibility(not why_not)


def _mark(found: ConversationOut) -> tuple[object, ...]:
    """Return what changes whenever there is something else to show."""
    return (
        tuple((each.ours, each.id, each.kind) for each in found.said),
        tuple((each.id, each.state, each.body_hash, each.held_by) for each in found.open),
        tuple(each.changed_at for each in found.classes),
        tuple(each.id for each in found.suppressions),
    )


def _why_none(thread: ThreadOut) -> str:
    if thread.suppressed:
        return "They are suppressed: nobody answers them from here."
    if thread.campaign_id is None:
        return "No campaign has written to them: answer them on the platform."
    return ""


def _next(found: ConversationOut) -> None:
    with ui.card().classes("w-full gap-1 p-4").props("flat bordered data-next"):
        ui.label("What comes next").classes("font-semibold")
        for line in found.follows:
            ui.label(line).classes("omni-text")
        for each in found.suppressions:
            _standing(each)
        ui.label(f"For you: {found.thread.next_step}.").classes("font-medium omni-text")


def _standing(each: StandingOut) -> None:
    wide = {"person": "them", "all": "everybody", "platform": f"everybody of {each.platform}"}
    whom = wide.get(each.scope, f"everybody of {each.platform_id}")
    told = f"Suppressed {ago(each.created_at)}, {whom}: {each.reason} (from {each.source})"
    with ui.row().classes("w-full items-baseline gap-x-2 gap-y-0"):
        ui.label(told).classes("text-warning text-sm omni-text")
        ui.link("Suppressions", "/suppressions").classes("text-sm")


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
