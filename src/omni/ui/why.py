"""Why is this person here? The criteria with what each part says, and what makes the score."""

from __future__ import annotations

from typing import cast

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import ExplainOut, StepOut
from omni.ui.freshness import draw_person
from omni.ui.layout import attempt

MARKS = {
    "true": ("check_circle", "positive"),
    "false": ("cancel", "negative"),
    "unknown": ("help", "warning"),
}
HEADS = {"all": "all of", "any": "any of", "not": "not"}


async def show_why(client: OmniClient, campaign_id: int, profile_id: int) -> None:
    """Open a dialog that explains."""
    told = await attempt(client.explain(campaign_id, profile_id))
    if told is None:
        return
    person = await attempt(client.person(profile_id))
    with ui.dialog() as dialog, ui.card().classes("w-full gap-3").style("max-width:680px"):
        _draw(told)
        if person is not None:
            draw_person(person)
        with ui.row().classes("w-full justify-end"):
            ui.button("Close", on_click=dialog.close).props("flat no-caps")
    dialog.on("hide", dialog.delete)
    dialog.open()


def _draw(told: ExplainOut) -> None:
    ui.label("Why is this person here?").classes("text-xl font-semibold")
    where = "fits the criteria" if told.fits else "does not fit the criteria"
    held = "is a candidate" if told.is_candidate else "is no candidate"
    ui.label(f"{told.username} {where} and {held}.").props("data-why")
    ui.label(f"Because: {told.because}").classes("omni-muted text-sm omni-text")
    with ui.column().classes("w-full gap-1").props("data-tree"):
        _step(told.tree)
    ui.label(f"Cheap score {told.cheap_score:.3f}").classes("font-medium")
    widest = max((abs(signal.share) for signal in told.signals), default=0) or 1
    for signal in told.signals:
        with ui.row().classes("w-full items-center gap-3 no-wrap"):
            ui.label(signal.signal).classes("text-sm").style("width:7rem")
            ui.linear_progress(
                value=abs(signal.share) / widest, show_value=False, size="10px"
            ).props(f'rounded instant-feedback aria-label="{signal.signal}"')
            ui.label(f"{signal.value:.2f} × {signal.weight:.2f}").classes(
                "text-sm text-right omni-muted"
            ).style("width:7rem")


def _step(step: StepOut) -> None:
    icon, color = MARKS[step.verdict]
    weight = "font-medium" if step.decided else "omni-muted"
    with ui.row().classes("items-center gap-2 no-wrap"):
        ui.icon(icon, color=color).props(f'aria-label="{step.verdict}"')
        if step.kind == "clause":
            ui.label(step.english).classes(f"text-sm omni-text {weight}")
            value = "unknown" if step.value is None else _shown(step.value)
            if step.field != "text":
                ui.label(value).classes("text-sm omni-muted omni-text")
        else:
            ui.label(HEADS[step.kind]).classes(f"text-sm {weight}")
    if step.parts:
        with ui.column().classes("gap-1 pl-6 w-full"):
            for part in step.parts:
                _step(part)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "(yes)" if value else "(no)"
    if isinstance(value, int | float):
        return f"({value:,})"
    listed = cast("list[str]", value) if isinstance(value, list) else [str(value)]
    return f"({', '.join(listed[:8])[:160] or 'none'})"
