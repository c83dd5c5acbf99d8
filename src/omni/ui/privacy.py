"""Everything of one person, given out or removed for good; and the receipts."""

from __future__ import annotations

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import ErasureOut, PersonExport
from omni.ui.layout import ago, attempt, chip, nothing


class PrivacyPage:
    """Exports and erasures."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw the form, then the receipts."""
        ui.label("Privacy").classes("text-2xl font-semibold")
        ui.label(
            "Somebody asks what is kept of them, or to be removed. Name them by platform and "
            "immutable id (DID, account URL, mxid); a name that one profile has will do as well."
        ).classes("omni-muted")
        await self._form()
        ui.label("Erasures").classes("text-xl font-semibold pt-4")
        ui.label("A receipt never tells whom it was about.").classes("omni-muted")
        await self._receipts()
        ui.timer(2.0, self._receipts.refresh)

    async def _form(self) -> None:
        platforms = [p.platform for p in await attempt(self._client.platforms("people")) or []]
        with ui.row().classes("w-full items-end gap-3"):
            platform = ui.select(platforms, label="Platform", new_value_mode="add-unique").classes(
                "w-full sm:w-48"
            )
            person = ui.input("Person").classes("grow").style("min-width:12rem")

            def named() -> tuple[str, str] | None:
                who = str(platform.value or ""), str(person.value or "").strip()
                if not all(who):
                    ui.notify("Choose the platform, and say who it is", type="warning")
                    return None
                return who

            async def export() -> None:
                if who := named():
                    await self._export(*who)

            async def erase() -> None:
                if (who := named()) and await self._is_sure(*who):
                    done = await attempt(self._client.erase_person(*who), "They are being removed")
                    if done is not None:
                        person.set_value("")
                        self._receipts.refresh()

            ui.button("Export", on_click=export).props("no-caps outline")
            ui.button("Erase for good", on_click=erase).props("no-caps unelevated color=negative")

    async def _export(self, platform: str, person: str) -> None:
        found = await attempt(self._client.export_person(platform, person))
        if found is None:
            return
        unknown = "" if _is_known(found) else f"Nobody called {person} is known on {platform}: "
        rows = sum(len(table.rows) for table in found.tables.values())
        ui.notify(
            f"{unknown}{rows} rows and {len(found.pictures)} pictures",
            type="warning" if unknown else "info",
        )
        ui.download(found.model_dump_json(indent=2).encode(), "person.json")

    async def _is_sure(self, platform: str, person: str) -> bool:
        """Ask; and say so if the name is nobody's: it may be misspelt, or another platform's."""
        found = await attempt(self._client.export_person(platform, person))
        if found is None:
            return False
        with ui.dialog() as dialog, ui.card():
            ui.label(f"Remove everything of {person} on {platform}?").classes(
                "text-lg font-medium omni-text"
            )
            if not _is_known(found):
                ui.label(
                    f"Nobody called {person} is known on {platform}. Is it spelt so, and there?"
                ).classes("text-warning omni-text").props("data-unknown")
            ui.label("There is no way back, and they are never taken in again.").classes(
                "omni-text"
            )
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Keep", on_click=lambda: dialog.submit(False)).props("flat no-caps")
                ui.button("Remove", on_click=lambda: dialog.submit(True)).props(
                    "unelevated no-caps color=negative"
                )
        return bool(await dialog)

    @ui.refreshable_method
    async def _receipts(self) -> None:
        page = await attempt(self._client.list_erasures(limit=50))
        if page is None:
            return
        if not page.items:
            nothing("Nobody has been erased.")
        for erasure in page.items:
            _receipt(erasure)


def _receipt(erasure: ErasureOut) -> None:
    with (
        ui.card()
        .classes("w-full p-3")
        .props(f"flat bordered data-erasure={erasure.id} data-state={erasure.state}")
    ):
        with ui.row().classes("w-full items-center gap-3"):
            ui.label(str(erasure.id)).classes("font-mono text-sm omni-text")
            chip("done" if erasure.state == "done" else "removing")
            ui.space()
            ui.label(ago(erasure.asked_at)).classes("omni-muted text-sm")
        if erasure.waits_for:
            ui.label(f"waits: {erasure.waits_for}").classes("text-sm omni-text")
        told = ", ".join(f"{count} {place}" for place, count in sorted(erasure.removed.items()))
        if erasure.state == "done" or told:
            ui.label(told or "nothing was kept of them").classes("text-sm omni-text")
        for table, count in erasure.mentions.items():
            ui.label(f"{count} {table} name them in somebody's own words: look at these").classes(
                "text-sm omni-text font-medium"
            )


def _is_known(found: PersonExport) -> bool:
    return found.erased or bool(found.tables["profiles_raw"].rows)
