"""Dialogs in which a person writes other texts: one, several at once, and those that clashed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nicegui import ui

from omni.client.models import MessageOut


@dataclass(frozen=True, slots=True)
class Clash:
    """A message that somebody has changed while a person wrote another text for it.

    Attributes:
        now: As it is now; None where it is not pending any more.
        mine: What the person wrote.
    """

    message_id: int
    now: MessageOut | None
    mine: str


async def edited_texts(items: Sequence[MessageOut]) -> dict[int, str]:
    """Let a person write other texts; return those that differ, none where they leave it."""
    with ui.dialog() as dialog, ui.card().classes("w-full gap-3").style("max-width:680px"):
        title = f"To {items[0].username}" if len(items) == 1 else f"{len(items)} messages"
        ui.label(title).classes("text-lg font-semibold omni-text")
        texts: dict[int, ui.textarea] = {}

        def save() -> None:
            dialog.submit({number: str(text.value) for number, text in texts.items()})

        if len(items) > 1:
            _draw_replacing(texts, save)
        for place, item in enumerate(items):
            texts[item.id] = _draw_text(item, first=place == 0, several=len(items) > 1)
            texts[item.id].on("keydown.ctrl.enter", save, args=[])
        ui.label("Ctrl Enter saves, Esc leaves it. A changed text has to be approved.").classes(
            "omni-muted text-sm"
        )
        with ui.row().classes("w-full justify-end gap-2"):
            ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat no-caps")
            ui.button("Save", on_click=save).props("unelevated no-caps")
    written: Mapping[int, str] | None = await dialog
    dialog.delete()
    before = {item.id: item.body for item in items}
    return {number: text for number, text in (written or {}).items() if text != before[number]}


async def settled_clashes(clashes: Sequence[Clash]) -> dict[int, str]:
    """Show what clashed, theirs beside mine; return the texts that a person wants nevertheless."""
    with (
        ui.dialog().props("persistent") as dialog,
        ui.card().classes("w-full gap-3").style("max-width:680px").props("data-clashes"),
    ):
        ui.label("Somebody else was faster").classes("text-lg font-semibold")
        note = "These were changed while you wrote. Nothing of yours is saved there yet."
        ui.label(note).classes("omni-muted text-sm")
        wanted: dict[int, ui.checkbox] = {}
        for clash in clashes:
            _draw_clash(clash, wanted)
        with ui.row().classes("w-full justify-end gap-2"):
            ui.button("Keep theirs", on_click=lambda: dialog.submit(False)).props("flat no-caps")
            if wanted:
                ui.button("Save what I chose", on_click=lambda: dialog.submit(True)).props(
                    "unelevated no-caps"
                )
    chosen = bool(await dialog)
    mine = {clash.message_id: clash.mine for clash in clashes}
    dialog.delete()
    return {number: mine[number] for number, box in wanted.items() if chosen and box.value}


def replaced(text: str, old: str, new: str) -> str:
    """Return a text with each `old` replaced; as it is where nothing is looked for."""
    return text.replace(old, new) if old else text


def _draw_replacing(texts: Mapping[int, ui.textarea], save: Callable[[], None]) -> None:
    """Draw what changes all texts together."""
    with ui.row().classes("w-full items-center gap-2"):
        old = ui.input("Replace in all").props("outlined dense autofocus").classes("grow")
        new = ui.input("with").props("outlined dense").classes("grow")

        def replace() -> None:
            changed = 0
            for text in texts.values():
                after = replaced(str(text.value), str(old.value), str(new.value))
                changed += after != text.value
                text.set_value(after)
            told.text = f"changed in {changed} of {len(texts)}"

        ui.button("Replace", on_click=replace).props("outline no-caps dense")
        told = ui.label().classes("omni-muted text-sm").props("data-replaced")
    new.on("keydown.enter.exact", replace, args=[])
    for each in (old, new):
        each.on("keydown.ctrl.enter", save, args=[])


def _draw_text(item: MessageOut, *, first: bool, several: bool) -> ui.textarea:
    text = ui.textarea(f"To {item.username}" if several else None, value=item.body)
    text.props("autogrow outlined").classes("w-full")
    if several:
        text.props(f"data-edit={item.id}")
    else:
        text.props('aria-label="Text of the message"')
        text.props("autofocus" if first else "")
    return text


def _draw_clash(clash: Clash, wanted: dict[int, ui.checkbox]) -> None:
    with ui.column().classes("w-full gap-1").props(f"data-clash={clash.message_id}"):
        if clash.now is None:
            ui.label("It waits no longer: it was approved, rejected or sent.").classes("text-sm")
        else:
            ui.label(f"To {clash.now.username}").classes("font-semibold omni-text")
            ui.label("Theirs").classes("omni-muted text-sm")
            ui.label(clash.now.body).classes("omni-text omni-quote")
        ui.label("Yours").classes("omni-muted text-sm")
        ui.label(clash.mine).classes("omni-text omni-quote")
        if clash.now is not None:
            wanted[clash.message_id] = ui.checkbox("Save mine in its place")
