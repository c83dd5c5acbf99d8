"""A file of many who must not be written to: sent on as it is read, and its bad lines told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from nicegui import events, ui

from omni.client.client import OmniClient
from omni.client.models import SuppressionFileOut
from omni.ui.layout import attempt

MAX_BYTES = 100_000_000
"""What the API takes in one file."""
_MB = 1_000_000


class SuppressionFiles:
    """Takes a CSV file."""

    def __init__(self, client: OmniClient, platforms: list[str], taken: Callable[[], Any]) -> None:
        self._client = client
        self._platforms = platforms
        self._taken = taken

    def draw(self) -> None:
        """Draw the form, folded up."""
        with (
            ui.expansion("Suppress everybody in a file", icon="upload_file")
            .classes("w-full")
            .props("dense data-file")
        ):
            ui.label(
                "CSV of up to 100 MB with the columns platform, platform_id (or username), domain, "
                "reason; without a heading each line is a domain, or somebody of this platform."
            ).classes("omni-muted text-sm")
            with ui.row().classes("w-full items-end gap-3 py-2"):
                self._platform = ui.select(
                    self._platforms, label="Platform of lines that name none", clearable=True
                ).classes("w-full sm:w-64")
                self._reason = ui.input("Why?", value="from a file").classes("grow")
            self._upload = (
                ui.upload(
                    label="Choose a file",
                    auto_upload=True,
                    max_files=1,
                    max_file_size=MAX_BYTES,
                    on_upload=self._send,
                    on_rejected=lambda: ui.notify(
                        "More than 100 MB: send it in parts", type="negative"
                    ),
                )
                .props('accept=".csv,.tsv,.txt" flat bordered')
                .classes("w-full")
            )
            with ui.column().classes("w-full gap-1 pt-3") as self._progress:
                self._said = ui.label().classes("text-sm omni-text")
                self._bar = ui.linear_progress(value=0, show_value=False).props("rounded")
            self._progress.set_visibility(False)
            self._result = ui.column().classes("w-full gap-1 pt-3")

    async def _send(self, event: events.UploadEventArguments) -> None:
        size = event.file.size()
        self._result.clear()
        self._progress.set_visibility(True)
        done = await attempt(
            self._client.suppress_file(
                self._counted(event.file.iterate(), size),
                platform=str(self._platform.value) if self._platform.value else None,
                reason=str(self._reason.value or "").strip() or None,
                size=size,
            )
        )
        self._progress.set_visibility(False)
        self._upload.reset()
        if done is not None:
            with self._result:
                told(done)
        await self._taken()

    async def _counted(self, pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
        """Hand the pieces on, and show how far they are."""
        sent = 0
        async for piece in pieces:
            self._said.set_text(f"{sent / _MB:,.1f} of {size / _MB:,.1f} MB taken")
            self._bar.set_value(sent / max(size, 1))
            yield piece
            sent += len(piece)


def told(done: SuppressionFileOut) -> None:
    """Say what a file brought, and which of its lines were not taken."""
    ui.label(
        f"{done.lines:,} lines: {done.added:,} suppressed, {done.known:,} stood already, "
        f"{done.bad:,} not taken; {done.cancelled_messages:,} messages cancelled"
    ).classes("font-medium omni-text").props("data-brought")
    for problem in done.problems:
        ui.label(f"Line {problem.line:,}: {problem.what}").classes(
            "text-sm text-negative omni-text"
        ).props("data-bad-line")
    if done.bad > len(done.problems):
        ui.label(f"and {done.bad - len(done.problems):,} more").classes("omni-muted text-sm")
