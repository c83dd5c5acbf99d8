"""The page that takes in files of people: upload, see, map, start, follow."""

from __future__ import annotations

import asyncio
from functools import partial
from io import BytesIO
from typing import Any, cast

from nicegui import events, ui

from omni.client.client import OmniClient
from omni.client.models import TARGETS, ImportDraft, ImportOut, Target
from omni.ui.layout import ago, attempt, chip, nothing

MAX_BYTES = 200_000_000
"""The most bytes that a browser may upload; `omni import` takes more."""

REFRESH_S = 1.0
MAX_CAMPAIGNS = 100
"""The campaigns that can be chosen from."""

_LEFT_OUT = "–"
_NONE = 0
_SHOWN = ("display_name", "username", "platform", "bio", "followers")


class ImportsPage:
    """Uploads a file, shows what it would become, and follows its import."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client
        self._draft: ImportDraft | None = None
        self._campaigns: dict[int, str] = {}

    async def draw(self) -> None:
        """Draw the page."""
        ui.label("Import").classes("text-2xl font-semibold")
        ui.label("People from a CSV, JSONL or Parquet file.").classes("omni-muted")
        ui.upload(
            label="Choose a file",
            auto_upload=True,
            max_files=1,
            max_file_size=MAX_BYTES,
            on_upload=self._upload,
            on_rejected=lambda: ui.notify("Too large: use `omni import`", type="negative"),
        ).props('accept=".csv,.tsv,.txt,.jsonl,.ndjson,.parquet" flat bordered').classes("w-full")
        self._shown()
        await self._list()
        ui.timer(REFRESH_S, self._list.refresh)

    async def _upload(self, event: events.UploadEventArguments) -> None:
        content = BytesIO(await event.file.read())
        campaigns = await attempt(self._client.list_campaigns(limit=MAX_CAMPAIGNS))
        self._campaigns = {each.id: each.name for each in campaigns.items} if campaigns else {}
        self._draft = await attempt(self._client.upload_import(event.file.name, content))
        self._shown.refresh()

    @ui.refreshable_method
    def _shown(self) -> None:
        draft = self._draft
        if draft is None:
            return
        with ui.card().classes("w-full gap-3").props("flat bordered"):
            about = f" · about {draft.rows_about:,} rows" if draft.rows_about is not None else ""
            ui.label(f"{draft.name} · {draft.format}{about}").classes("font-semibold omni-text")
            platform = ui.input("Platform of rows that name none", value=draft.platform or "")
            platform.props("outlined dense").on(
                "blur", lambda: self._set_platform(platform.value or "")
            )
            ui.select(
                {_NONE: "no campaign", **self._campaigns},
                label="For the campaign",
                value=draft.campaign_id or _NONE,
                on_change=self._set_campaign,
            ).props("outlined dense options-dense").classes("w-64 max-w-full")
            ui.label("What the columns mean").classes("text-sm omni-muted")
            with ui.row().classes("w-full gap-3"):
                for column in draft.all_columns:
                    ui.select(
                        {_LEFT_OUT: "is left out", **{name: name for name in TARGETS}},
                        label=column,
                        value=draft.columns.get(column, _LEFT_OUT),
                        on_change=partial(self._map, column),
                    ).props("outlined dense options-dense").classes("w-44")
            _preview(draft)
            with ui.row().classes("gap-2"):
                ui.button("Take these people in", on_click=self._start).props("no-caps unelevated")
                ui.button("Throw away", on_click=self._throw_away).props("no-caps flat")

    async def _map(self, column: str, event: events.ValueChangeEventArguments[Any]) -> None:
        if self._draft is None:
            return
        columns: dict[str, Target] = {**self._draft.columns}
        columns.pop(column, None)
        if event.value != _LEFT_OUT:
            columns[column] = cast("Target", event.value)
        await self._change(columns=columns)

    async def _set_platform(self, platform: str) -> None:
        if self._draft is not None and platform.strip() != (self._draft.platform or ""):
            given = platform.strip()
            await self._change(**{"platform": given} if given else {"clear": ("platform",)})

    async def _set_campaign(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if self._draft is not None and event.value != (self._draft.campaign_id or _NONE):
            chosen = event.value != _NONE
            await self._change(
                **{"campaign_id": event.value} if chosen else {"clear": ("campaign_id",)}
            )

    async def _change(self, **change: Any) -> None:
        assert self._draft is not None
        changed = await attempt(self._client.change_import(self._draft.id, **change))
        if changed is not None:
            self._draft = changed
        self._shown.refresh()

    async def _start(self) -> None:
        assert self._draft is not None
        if await attempt(self._client.start_import(self._draft.id), "Started") is not None:
            self._draft = None
            self._shown.refresh()
            await asyncio.sleep(0)
            self._list.refresh()

    async def _throw_away(self) -> None:
        assert self._draft is not None
        await attempt(self._client.delete_import(self._draft.id))
        self._draft = None
        self._shown.refresh()

    @ui.refreshable_method
    async def _list(self) -> None:
        page = await attempt(self._client.list_imports(limit=20))
        if page is None:
            return
        if not page.items:
            nothing("No imports yet. Choose a file above.")
        for each in page.items:
            self._row(each)

    def _row(self, each: ImportOut) -> None:
        counts = each.counts
        with ui.card().classes("w-full gap-1 p-3").props(f"flat bordered data-import={each.id}"):
            with ui.row().classes("w-full items-center gap-3"):
                chip(each.state)
                ui.label(each.name).classes("font-medium omni-text")
                ui.space()
                ui.label(ago(each.finished_at or each.created_at)).classes("omni-muted text-sm")
            if each.state == "running":
                total = max(each.rows_about or 0, counts.rows, 1)
                ui.linear_progress(value=counts.rows / total, show_value=False).props("rounded")
            ui.label(
                f"{counts.rows:,} rows · {counts.added:,} new · {counts.changed:,} changed · "
                f"{counts.unchanged:,} unchanged · {counts.skipped:,} skipped"
            ).classes("omni-muted text-sm")
            if counts.problems:
                ui.button(
                    f"{counts.problems:,} problems: download",
                    on_click=partial(self._errors, each.id),
                ).props("flat dense no-caps icon=download")

    async def _errors(self, import_id: int) -> None:
        async def whole() -> bytes:
            return b"".join([piece async for piece in self._client.import_errors(import_id)])

        content = await attempt(whole())
        if content is not None:
            ui.download.content(content, f"import-{import_id}-errors.csv", "text/csv")


def _preview(draft: ImportDraft) -> None:
    columns = [
        {"name": n, "label": n.replace("_", " "), "field": n} for n in ("row", *_SHOWN, "problems")
    ]
    rows = [
        {
            "row": row.row,
            **{name: (row.person or {}).get(name) or "" for name in _SHOWN},
            "problems": "; ".join(f"{p.column or 'row'}: {p.what}" for p in row.problems),
        }
        for row in draft.preview
    ]
    ui.table(
        columns=[{**c, "align": "left"} for c in columns], rows=rows, row_key="row", pagination=0
    ).props("flat bordered dense wrap-cells hide-pagination").classes("w-full")
