"""What a judge was asked about a lead, and what it answered, word for word."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import LeadOut, RecordingOut
from omni.ui.layout import attempt, nothing


async def show_recordings(client: OmniClient, lead: LeadOut) -> None:
    """Open a dialog with the recordings of the verdict that a lead comes from."""
    found = await attempt(client.lead_recordings(lead.id))
    if found is None:
        return
    with (
        ui.dialog() as dialog,
        ui.card().classes("w-full gap-3").style("max-width:820px").props("data-recordings"),
    ):
        ui.label(f"What was said of {lead.display_name or lead.username}").classes(
            "text-xl font-semibold omni-text"
        )
        if not found:
            nothing("Nothing is kept of it any more: recordings are deleted after a while.")
        for place, one in enumerate(found):
            _draw(one, last=place == len(found) - 1)
        with ui.row().classes("w-full justify-end"):
            ui.button("Close", on_click=dialog.close).props("flat no-caps")
    dialog.on("hide", dialog.delete)
    dialog.open()


def _draw(one: RecordingOut, *, last: bool) -> None:
    ui.label(f"{one.model}, {one.recorded_at:%Y-%m-%d %H:%M}, {_took(one)}").classes(
        "text-sm font-medium omni-text"
    )
    _part("Answered", one.answer, opened=last)
    _part("Was shown", one.user)
    for turn in one.turns:
        _part("Said before" if turn.role == "assistant" else "Was told then", turn.text)
    if one.images:
        ui.label(f"{len(one.images)} pictures were shown").classes("text-sm omni-muted")
        with ui.row().classes("gap-2"):
            for sha256 in one.images:
                ui.element("img").props(f'src="/images/{sha256}" alt="" loading=lazy').style(
                    "max-width:96px;max-height:96px"
                )
    _part("By these rules", one.system)


def _part(name: str, text: str, *, opened: bool = False) -> None:
    with ui.expansion(name, value=opened).classes("w-full").props("dense"):
        # A label is text and nothing else, whatever a stranger wrote or a model answered.
        ui.label(text).classes("omni-text text-sm font-mono w-full")


def _took(one: RecordingOut) -> str:
    cut = "" if one.complete else ", cut off"
    refused = ", declined" if one.refused else ""
    tokens = (
        ""
        if one.prompt_tokens is None or one.answer_tokens is None
        else f", {one.prompt_tokens:,} tokens in, {one.answer_tokens:,} out"
    )
    return f"{one.latency_ms / 1_000:.1f} s{tokens}{cut}{refused}"
