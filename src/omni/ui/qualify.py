"""The dialog before a qualification: what it will take, and then start it."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import CostsOut, EstimateOut
from omni.ui.layout import attempt


class QualifyForm:
    """Shows the estimate and starts the run."""

    def __init__(self, client: OmniClient, campaign_id: int) -> None:
        self._client = client
        self._id = campaign_id

    async def open(self) -> None:
        """Ask for the estimate and show it."""
        found = await attempt(self._client.estimate(self._id))
        paid = await attempt(self._client.costs(self._id))
        if found is None or paid is None:
            return
        with ui.dialog() as dialog, ui.card().classes("gap-2 w-full"):
            ui.label("Qualify the shortlist").classes("text-lg font-semibold")
            with ui.column().classes("gap-1").props("data-estimate"):
                for line in estimate_words(found):
                    ui.label(line).classes("text-sm omni-text")
                ui.label(_today(paid)).classes("omni-muted text-sm omni-text")

            async def start() -> None:
                dialog.close()
                await attempt(self._client.qualify(self._id), "Qualifying: see Jobs")

            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
                ui.button("Qualify now", on_click=start).props("no-caps unelevated")
        dialog.on("hide", dialog.delete)
        dialog.open()


def estimate_words(found: EstimateOut) -> list[str]:
    """Say in lines what a run will take."""
    if found.model is None:
        return ["Judges are off: nobody is judged, and what was said becomes leads."]
    kept = f"{found.carried:,} verdicts outlive the edit: no call for them"
    if not found.calls:
        none = f"{found.model} has nobody new to judge: no call."
        return [none, kept] if found.carried else [none]
    lines = [f"{found.calls:,} calls of {found.model}", *([kept] if found.carried else [])]
    how = "as in its last calls" if found.measured else "guessed from the lengths"
    lines.append(f"about {found.prompt_tokens:,} tokens in, {found.answer_tokens:,} out ({how})")
    if found.seconds is not None:
        lines.append(f"about {_duration(found.seconds)} with one worker")
    lines.append(
        "no price is set for it" if found.cost is None
        else f"about {found.cost:.4f} {found.currency}"
    )  # fmt: skip
    if found.budget_ends:
        lines.append("the day's budget will end it before")
    return lines


def _today(paid: CostsOut) -> str:
    limit = "" if paid.daily_call_limit is None else f" of {paid.daily_call_limit:,}"
    cost = f", {paid.cost_today:.4f} {paid.currency}" if paid.currency else ""
    return f"today until now: {paid.calls_today:,}{limit} calls{cost}"


def _duration(seconds: float) -> str:
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
