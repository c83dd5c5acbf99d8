"""Why is nobody drafted for? The one reason, since when, and what helps."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import DraftingOut
from omni.ui.layout import ago, attempt


async def draw_standstill(client: OmniClient, campaign_id: int) -> None:
    """Say why no first messages are written, if anybody waits for one and nothing comes."""
    found = await attempt(client.drafting(campaign_id))
    if found is None or found.reason is None or not found.recipients:
        return
    with (
        ui.card()
        .classes("w-full gap-1 p-4")
        .props(f'flat bordered data-standstill="{found.reason}"')
    ):
        with ui.row().classes("w-full items-start gap-2 no-wrap"):
            ui.icon("warning", color="warning").props("aria-hidden=true")
            for_whom = f"{found.recipients:,} wait for a first message: {found.words}."
            ui.label(for_whom).classes("omni-text font-semibold")
        for line in standstill_lines(found):
            ui.label(line).classes("text-sm omni-muted omni-text")


def standstill_lines(found: DraftingOut) -> list[str]:
    """Say since when, what helps, and when it is tried again."""
    lines = [found.help]
    if found.since is not None:
        lines.insert(0, f"Since {ago(found.since)}.")
    if found.next_at is not None:
        lines.append(f"The next try is {ago(found.next_at)}.")
    return lines
