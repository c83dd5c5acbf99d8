"""Jobs with live progress: what Omni is doing, did, and could not do."""

from __future__ import annotations

from functools import partial
from typing import cast

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import JobOut, TimetableKind
from omni.ui.layout import ago, attempt, chip, nothing

STATES = ("all", "queued", "running", "succeeded", "failed", "cancelled")
REFRESH_S = 1.0
TIMETABLE: dict[TimetableKind, str] = {
    "crawl.refresh": "Read the stalest profiles again",
    "dispatch.dm": "Send approved messages",
    "dispatch.follow_up": "Write the follow-ups that are due",
    "dispatch.reconcile": "Look for messages in doubt",
    "feedback.sweep": "Read the inboxes",
}


class JobList:
    """A list of jobs, newest first, that keeps itself up to date."""

    def __init__(self, client: OmniClient, campaign_id: int | None = None) -> None:
        self._client = client
        self._campaign_id = campaign_id
        self._state = "all"

    async def draw(self) -> None:
        """Draw the filter and the list; where all campaigns show, also what can be run now."""
        if self._campaign_id is None:
            self._run_menu()
        ui.toggle(list(STATES), value="all", on_change=lambda e: self._show(str(e.value))).props(
            "dense no-caps unelevated"
        )
        await self._rows()
        ui.timer(REFRESH_S, self._rows.refresh)

    def _run_menu(self) -> None:
        with ui.dropdown_button("Run now", auto_close=True).props("no-caps outline"):
            for kind, label in TIMETABLE.items():
                ui.item(label, on_click=partial(self._run, kind))

    async def _run(self, kind: TimetableKind) -> None:
        await attempt(self._client.run_now(kind), "Started")
        self._rows.refresh()

    def _show(self, state: str) -> None:
        self._state = state
        self._rows.refresh()

    @ui.refreshable_method
    async def _rows(self) -> None:
        state = None if self._state == "all" else self._state
        page = await attempt(
            self._client.list_jobs(campaign_id=self._campaign_id, state=state, limit=50)
        )
        if page is None:
            return
        if not page.items:
            nothing("No jobs here yet. Discover or qualify in a campaign starts one.")
        for job in page.items:
            self._row(job)

    def _row(self, job: JobOut) -> None:
        card = ui.card().classes("w-full gap-1 p-3").props(f"flat bordered data-job={job.id}")
        with card:
            with ui.row().classes("w-full items-center gap-x-3 gap-y-1"):
                chip(job.state)
                ui.label(job.kind).classes("font-medium whitespace-nowrap")
                if job.campaign_id is not None:
                    ui.link(f"campaign {job.campaign_id}", f"/campaigns/{job.campaign_id}")
                ui.label(f"try {job.attempts} of {job.max_attempts}").classes(
                    "omni-muted text-sm whitespace-nowrap"
                )
                ui.space()
                ui.label(ago(job.finished_at or job.started_at or job.created_at)).classes(
                    "omni-muted text-sm whitespace-nowrap"
                )
                if job.state in ("queued", "running"):
                    ui.button(icon="close", on_click=lambda: self._cancel(job)).props(
                        'flat round dense size=sm aria-label="Cancel this job"'
                    )
            _progress(job)
            if job.error:
                ui.label(job.error).classes("text-negative text-sm omni-text")

    async def _cancel(self, job: JobOut) -> None:
        await attempt(self._client.cancel_job(job.id), "Asked to stop")
        self._rows.refresh()


def _progress(job: JobOut) -> None:
    progress = job.progress or {}
    done, total, note = progress.get("done"), progress.get("total"), progress.get("note")
    if job.state == "running":
        bar = ui.linear_progress(value=done / total if done and total else 0, show_value=False)
        bar.props("rounded" if total else "rounded indeterminate")
    words = [f"{done:,} of {total:,}" if total else f"{done:,}"] if done is not None else []
    words += [str(note)] if note else []
    told = job.result if job.state == "succeeded" and job.result else progress.get("counts") or {}
    if job.state == "succeeded" and job.result:
        words = []
    _line(words)
    _line([_told(name, value) for name, value in told.items() if _shown(value)])
    for example in told.get("examples") or ():
        ui.label(str(example)).classes("omni-muted text-sm omni-text")


def _line(words: list[str]) -> None:
    if words:
        ui.label(" · ".join(words)).classes("omni-muted text-sm omni-text")


def _told(name: str, value: object) -> str:
    if isinstance(value, dict):
        parts = cast("dict[str, object]", value).items()
        return f"{_spaced(name)} " + ", ".join(f"{_spaced(part)} {each}" for part, each in parts)
    return f"{_spaced(name)} {value:,}" if isinstance(value, int) else f"{_spaced(name)} {value}"


def _shown(value: object) -> bool:
    if isinstance(value, dict):
        parts = cast("dict[str, object]", value).values()
        return bool(parts) and all(isinstance(part, int) for part in parts)
    return isinstance(value, str | int | float) and value != ""


def _spaced(name: str) -> str:
    return name.replace("_", " ")
