"""Who must not be written to: looked up, added, taken from a file, and lifted for a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from nicegui import ui

from omni.client.client import OmniClient
from omni.client.models import Page, Scope, SuppressionOut
from omni.ui.layout import ago, attempt, chip
from omni.ui.paging import PAGE, PagedList
from omni.ui.suppression_files import SuppressionFiles

SCOPES: dict[Scope, str] = {
    "person": "Somebody",
    "domain": "A domain",
    "platform": "A platform",
    "all": "Everybody",
}
ALL, WIDE = "all", "domains and wider"


class SuppressionsPage:
    """The form, the file, and the list."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client
        self._list = SuppressionList(client)

    async def draw(self) -> None:
        """Draw the page."""
        ui.label("Suppressions").classes("text-2xl font-semibold")
        ui.label(
            "Nobody here is written to, by any campaign, until a person lifts it and says why. "
            "What waits for a person is cancelled; what waits for a domain, a platform or "
            "everybody is held."
        ).classes("omni-muted")
        found = await attempt(self._client.platforms("people")) or []
        platforms = [each.platform for each in found]
        _AddForm(self._client, platforms, self._list.reload).draw()
        SuppressionFiles(self._client, platforms, self._list.reload).draw()
        await self._list.draw()


class _AddForm:
    """Adds one suppression; what is wider than a person is asked about first."""

    def __init__(self, client: OmniClient, platforms: list[str], added: Callable[[], Any]) -> None:
        self._client = client
        self._platforms = platforms
        self._added = added

    def draw(self) -> None:
        """Draw the form."""
        with ui.card().classes("w-full gap-3 p-4").props("flat bordered data-add"):
            self._scope = ui.toggle(dict(SCOPES), value="person").props("dense no-caps unelevated")
            with ui.row().classes("w-full items-end gap-3"):
                self._platform = (
                    # None is chosen beforehand: a name on the wrong platform stops nothing.
                    ui.select(self._platforms, label="Platform")
                    .classes("w-full sm:w-48")
                    .bind_visibility_from(
                        self._scope, "value", backward=lambda s: s in ("person", "platform")
                    )
                )
                self._person = ui.input("Id (DID, account URL, mxid), username, or link")
                self._person.bind_visibility_from(self._scope, "value", value="person")
                self._domain = ui.input("Domain, with all below it")
                self._domain.bind_visibility_from(self._scope, "value", value="domain")
                self._reason = ui.input("Why?")
                for field in (self._person, self._domain, self._reason):
                    field.classes("grow").style("min-width:12rem")
            ui.button("Suppress", on_click=self._add).props("no-caps unelevated color=negative")

    async def _add(self) -> None:
        scope = cast("Scope", self._scope.value)
        if scope == "platform" and not self._platform.value:
            ui.notify("Choose the platform first", type="warning")
            return
        if scope == "person" and not str(self._person.value or "").strip():
            ui.notify("Say who it is", type="warning")
            return
        asked = {
            # A link says the platform by itself; of all else the API asks for it.
            "platform": self._platform.value if scope in ("person", "platform") else None,
            "platform_id": str(self._person.value or "") if scope == "person" else None,
            "domain": str(self._domain.value or "") if scope == "domain" else None,
        }
        reason = str(self._reason.value or "").strip() or None
        if scope != "person" and not await self._is_sure(scope, asked):
            return
        done = await attempt(self._client.suppress(scope=scope, reason=reason, **asked))
        if done is None:
            return
        if not done.added:
            ui.notify("That stands already", type="info")
        elif scope == "person":
            ui.notify(
                f"Never to be written to again; {_messages(done.cancelled_messages)} cancelled"
            )
        else:
            ui.notify("It stands", type="positive")
        for field in (self._person, self._domain, self._reason):
            field.set_value("")
        await self._added()

    async def _is_sure(self, scope: Scope, asked: dict[str, str | None]) -> bool:
        """Say how many waiting messages would be held, and ask."""
        assert scope != "person"
        found = await attempt(
            self._client.concerned_by(scope, platform=asked["platform"], domain=asked["domain"])
        )
        if found is None:
            return False
        whom = {
            "domain": f"anybody of {asked['domain']}",
            "platform": f"anybody on {asked['platform']}",
            "all": "anybody at all",
        }[scope]
        many = f"at least {_messages(found.messages)}" if found.more else _messages(found.messages)
        with ui.dialog() as dialog, ui.card().classes("gap-3").props("data-sure"):
            ui.label(f"Stop writing to {whom}?").classes("text-lg font-medium omni-text")
            ui.label(f"It holds {many} that wait now, until it is lifted.").classes("omni-text")
            _end(dialog, "Suppress")
        return bool(await dialog)


class SuppressionList(PagedList[SuppressionOut]):
    """Everybody who is suppressed, the newest first; or those whose name begins so."""

    def __init__(self, client: OmniClient) -> None:
        super().__init__((ALL, WIDE))
        self._client = client
        self._search = ""

    async def draw(self) -> None:
        """Draw the search, the filter and the first page."""
        ui.label("Who is suppressed").classes("text-xl font-semibold pt-4")
        ui.input(
            "Search: how an id, a username or a domain begins",
            on_change=lambda event: self._look_for(str(event.value or "")),
        ).props("outlined dense clearable debounce=300").classes("w-full")
        await super().draw()

    async def fetch(self, state: str, cursor: str | None) -> Page[SuppressionOut]:
        """Ask the API for one page."""
        return await self._client.list_suppressions(
            wide=state == WIDE and not self._search,
            search=self._search or None,
            limit=PAGE,
            cursor=cursor,
        )

    def draw_item(self, item: SuppressionOut) -> None:
        """Draw a suppression, with the way to lift it."""
        with (
            ui.card()
            .classes("w-full gap-1 p-3")
            .props(f"flat bordered data-suppression={item.id} data-scope={item.scope}")
        ):
            with ui.row().classes("w-full items-center gap-3"):
                ui.label(whom(item)).classes("font-mono text-sm omni-text")
                chip(item.scope)
                if item.scope == "person":
                    ui.label(item.platform).classes("omni-muted text-sm")
                ui.space()
                ui.button("Lift", on_click=lambda: self._lift(item)).props("flat dense no-caps")
            ui.label(f"{item.reason} · by {item.source} · {ago(item.created_at)}").classes(
                "omni-muted text-sm omni-text"
            )

    def empty_text(self, state: str) -> str:
        """Return what to say where there is nothing."""
        if self._search:
            return "Nobody is suppressed whose name begins so."
        if state == WIDE:
            return "No domain and no platform is suppressed."
        return "Nobody has asked not to be written to."

    async def _look_for(self, text: str) -> None:
        self._search = text.strip()
        await self.reload()

    async def _lift(self, item: SuppressionOut) -> None:
        with ui.dialog() as dialog, ui.card().classes("w-full gap-3").props("data-lift"):
            ui.label(f"Let {whom(item)} be written to again?").classes(
                "text-lg font-medium omni-text"
            )
            ui.label(f"It stands because: {item.reason}").classes("omni-text")
            why = ui.input("Why may it be lifted?").classes("w-full")
            _end(dialog, "Lift").bind_enabled_from(
                why, "value", backward=lambda value: bool(str(value or "").strip())
            )
        if await dialog:
            because = str(why.value or "").strip()
            lifted = await attempt(self._client.lift_suppression(item.id, because), "Lifted")
            if lifted is not None:
                await self.reload()


def whom(item: SuppressionOut) -> str:
    """Say in a word whom a suppression concerns."""
    if item.scope == "all":
        return "everybody"
    return item.platform if item.scope == "platform" else item.platform_id


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"


def _end(dialog: ui.dialog, label: str) -> ui.button:
    with ui.row().classes("w-full justify-end gap-2"):
        ui.button("Cancel", on_click=lambda: dialog.submit(False)).props("flat no-caps")
        return ui.button(label, on_click=lambda: dialog.submit(True)).props(
            "no-caps unelevated color=negative"
        )
