"""Who may call the API, and what for: keys are made, listed, and revoked."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import SCOPE_MEANING, KeyMade, KeyOut
from omni.ui.layout import ago, attempt, chip, nothing

ENDS = {"never": 0, "in 30 days": 30, "in 90 days": 90, "in a year": 365}
COPY_S = 5.0


class KeysPage:
    """The keys, and the form for another."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw the keys, and the form for another."""
        ui.label("Keys").classes("text-2xl font-semibold")
        ui.label(
            "A key for each program, and for each person elsewhere. Reading and drafting need "
            "nothing special; give the right to send to whoever may speak in your name."
        ).classes("omni-muted")
        ui.link("Work with another key in this browser", "/login")
        await self._keys()
        self._form()

    @ui.refreshable_method
    async def _keys(self) -> None:
        keys = await attempt(self._client.list_keys())
        if keys is None:
            ui.label("They are not shown to the key of this browser.").classes("omni-muted")
            return
        if not keys:
            nothing("No keys yet: who works at this machine needs none.")
        for key in sorted(keys, key=lambda key: (_state(key) != "active", key.created_at)):
            self._key(key)

    def _key(self, key: KeyOut) -> None:
        state = _state(key)
        with (
            ui.card()
            .classes("w-full p-3")
            .props(f"flat bordered data-key={key.id} data-state={state}")
        ):
            with ui.row().classes("w-full items-center gap-3"):
                ui.label(key.name).classes("font-medium omni-text")
                chip(state)
                if key.hint:
                    ui.label(f"{key.hint}…").classes("font-mono text-sm omni-muted")
            ui.label(f"May {', '.join(key.scopes)}").classes("text-sm omni-text")
            used = f"last used {ago(key.last_used_at)}" if key.last_used_at else "never used"
            told = [f"made {ago(key.created_at)}", used]
            if key.revoked_at is not None:
                told.append(f"revoked {ago(key.revoked_at)}")
            elif key.expires_at is not None:
                verb = "runs out" if state == "active" else "ran out"
                told.append(f"{verb} {ago(key.expires_at)}")
            with ui.row().classes("w-full items-center gap-3"):
                ui.label(" · ".join(told)).classes("omni-muted text-sm")
                ui.space()
                if key.revoked_at is None:
                    ui.button("Revoke", on_click=lambda: self._revoke(key)).props(
                        "outline no-caps color=negative"
                    )

    async def _revoke(self, key: KeyOut) -> None:
        with ui.dialog() as dialog, ui.card():
            ui.label(f"Revoke the key of {key.name} for ever?").classes(
                "text-lg font-medium omni-text"
            )
            ui.label("Whoever has it is refused from the next request on.").classes("omni-text")
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Keep", on_click=lambda: dialog.submit(False)).props("flat no-caps")
                ui.button("Revoke it", on_click=lambda: dialog.submit(True)).props(
                    "unelevated no-caps color=negative"
                )
        if await dialog:
            await attempt(self._client.revoke_key(str(key.id)), "Revoked")
            self._keys.refresh()

    def _form(self) -> None:
        ui.label("Make a key").classes("text-xl font-semibold pt-4")
        with ui.column().classes("w-full gap-2").props("data-make"):
            with ui.row().classes("w-full items-end gap-3"):
                name = ui.input("Who will use it").classes("grow").style("min-width:14rem")
                ends = ui.select(list(ENDS), label="Runs out", value="never")
                ends.classes("w-full sm:w-48")
            ui.label("Every key may read. The last two bring Write along.").classes("omni-muted")
            write = ui.checkbox(f"Write: {SCOPE_MEANING['write']}", value=True)
            send = ui.checkbox(f"Send: {SCOPE_MEANING['send']}")
            admin = ui.checkbox(f"Administer: {SCOPE_MEANING['admin']}")

            async def make() -> None:
                chosen = {"write": write.value, "send": send.value, "admin": admin.value}
                days = ENDS[str(ends.value)]
                made = await attempt(
                    self._client.create_key(
                        str(name.value or ""),
                        scopes=["read", *(scope for scope, on in chosen.items() if on)],
                        expires_at=datetime.now(UTC) + timedelta(days=days) if days else None,
                    )
                )
                if made is not None:
                    name.set_value("")
                    for box in (send, admin):
                        box.set_value(False)
                    self._keys.refresh()
                    _show_secret(made)

            ui.button("Make the key", on_click=make).props("no-caps outline")


def _state(key: KeyOut) -> str:
    if key.revoked_at is not None:
        return "revoked"
    over = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return "over" if over else "active"


def _show_secret(made: KeyMade) -> None:
    with ui.dialog().props("persistent") as dialog, ui.card():
        ui.label(f"The key of {made.name}").classes("text-lg font-medium omni-text")
        ui.label(
            "It is shown now and never again: Omni keeps only what it takes to know it."
        ).classes("omni-text")
        ui.label(made.secret).classes("font-mono omni-text").props("data-secret")
        with ui.row().classes("w-full justify-end gap-2"):
            ui.button("Copy", icon="content_copy", on_click=lambda: _copy(made.secret)).props(
                "outline no-caps"
            )
            ui.button("I have it", on_click=dialog.close).props("unelevated no-caps")
    dialog.on("hide", dialog.delete)
    dialog.open()


async def _copy(secret: str) -> None:
    """Copy it where the browser lets a page do that, and say so where it does not."""
    write = f"navigator.clipboard.writeText({json.dumps(secret)}).then(() => true, () => false)"
    copied: Any = False
    with suppress(TimeoutError):
        copied = cast(
            "Any",
            await ui.run_javascript(
                f"return navigator.clipboard ? {write} : false", timeout=COPY_S
            ),
        )
    if copied:
        ui.notify("Copied", type="positive")
    else:
        ui.notify("This browser lets no page copy here: mark it and copy it", type="warning")
