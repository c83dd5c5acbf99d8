"""Messages that wait for a person, one after the other, with the keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nicegui import events, ui

from omni.client.client import OmniClient
from omni.client.models import BatchOut, MessageOut
from omni.ui.editing import Clash, edited_texts, settled_clashes
from omni.ui.layout import ago, attempt, nothing

PAGE = 50
KEYS = (
    ("j k", "next, previous"),
    ("x", "select"),
    ("Shift J K", "select on the way"),
    ("*", "select all shown"),
    ("a", "approve the selected, or the one that you are at"),
    ("e", "edit the selected, or the one that you are at"),
    ("r", "reject the selected, or the one that you are at"),
    ("Esc", "select none"),
)
_HERE = "outline: 2px solid var(--q-primary)"
_DOWN, _UP = frozenset({"j", "J", "ArrowDown"}), frozenset({"k", "K", "ArrowUp"})


class ApprovalList:
    """The pending messages of one campaign: read, approve, edit, reject."""

    def __init__(self, client: OmniClient, campaign_id: int) -> None:
        self._client = client
        self._campaign_id = campaign_id
        self._items: list[MessageOut] = []
        self._at = 0
        self._chosen: set[int] = set()
        self._busy = False

    async def draw(self) -> None:
        """Draw the keys, the buttons for the selected, and the first messages."""
        with ui.row().classes("w-full items-center gap-x-4 gap-y-1 text-sm").props("data-keys"):
            for key, meaning in KEYS:
                with ui.row().classes("items-center gap-1 no-wrap"):
                    ui.label(key).classes("font-mono font-semibold")
                    ui.label(meaning).classes("omni-muted")
        with ui.row().classes("w-full items-center gap-2"):
            ui.button("Approve", icon="check", on_click=self._approve).props(
                "dense no-caps unelevated"
            )
            ui.button("Edit", icon="edit", on_click=self._edit).props("dense no-caps outline")
            ui.button("Reject", icon="close", on_click=self._reject).props("dense no-caps outline")
            ui.button("Select all", on_click=self._choose_all).props("dense no-caps flat")
            self._count = ui.label().classes("omni-muted text-sm").props("data-selected")
        self._cards = ui.column().classes("w-full gap-3")
        ui.keyboard(self._on_key, ignore=["input", "select", "textarea"])
        await self._load()

    async def _load(self) -> None:
        page = await attempt(self._client.messages(self._campaign_id, state="pending", limit=PAGE))
        if page is None:
            return
        self._items = page.items
        self._chosen &= {item.id for item in self._items}
        self._at = min(self._at, max(0, len(self._items) - 1))
        self._draw_cards()

    def _draw_cards(self) -> None:
        self._cards.clear()
        self._drawn: list[tuple[ui.card, ui.checkbox]] = []
        with self._cards:
            if not self._items:
                nothing("Nothing waits for you. New leads get a draft if there is a template.")
            for place, item in enumerate(self._items):
                self._draw_card(place, item)
        self._mark()

    def _draw_card(self, place: int, item: MessageOut) -> None:
        card = ui.card().classes("w-full gap-2 p-4")
        card.props(f"flat bordered data-message={item.id}")
        card.on("click", lambda: self._go(place), args=[])
        with card:
            with ui.row().classes("w-full items-center gap-2"):
                box = ui.checkbox(on_change=lambda e: self._choose(item.id, bool(e.value)))
                box.props(f'dense aria-label="Select the message to {item.id}"')
                ui.label(f"To {item.username}").classes("font-semibold omni-text")
                if item.step:
                    ui.badge(f"follow-up {item.step}").props("rounded outline")
                if item.writer != "template":
                    ui.badge(f"by {item.writer}").props("rounded outline")
                ui.space()
                ui.label(ago(item.created_at)).classes("omni-muted text-sm")
            ui.label(item.body).classes("omni-text").props("data-body")
            for claim in item.claims:
                with ui.column().classes("gap-0 omni-quote"):
                    ui.label(claim["claim"]).classes("text-sm omni-text")
                    ui.label(f"“{claim['quote']}”").classes("omni-muted text-sm omni-text")
        self._drawn.append((card, box))

    def _mark(self) -> None:
        """Show where the person is, and what is selected."""
        for place, (card, box) in enumerate(self._drawn):
            here = place == self._at
            card.style(add=_HERE if here else None, remove=None if here else _HERE)
            card.props(add="data-here" if here else None, remove=None if here else "data-here")
            box.set_value(self._items[place].id in self._chosen)
        self._count.text = f"{len(self._chosen)} of {len(self._items)} selected"

    def _go(self, place: int) -> None:
        if not self._items:
            return
        self._at = max(0, min(place, len(self._items) - 1))
        self._mark()
        card = self._drawn[self._at][0]
        ui.run_javascript(f'getHtmlElement({card.id})?.scrollIntoView({{block: "nearest"}})')

    def _choose(self, message_id: int, chosen: bool) -> None:
        if chosen == (message_id in self._chosen):
            return
        (self._chosen.add if chosen else self._chosen.discard)(message_id)
        self._mark()

    def _choose_all(self) -> None:
        self._chosen = {item.id for item in self._items}
        self._mark()

    async def _on_key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.meta:
            return
        if self._busy or not self._items:
            return
        name = event.key.name
        if name in _DOWN | _UP:
            self._step(1 if name in _DOWN else -1, chooses=event.modifiers.shift)
        elif name == "x":
            here = self._items[self._at].id
            self._choose(here, here not in self._chosen)
        elif name == "*":
            self._choose_all()
        elif name == "Escape":
            self._chosen.clear()
            self._mark()
        elif act := {"a": self._approve, "e": self._edit, "r": self._reject}.get(name):
            await act()

    def _step(self, by: int, *, chooses: bool) -> None:
        if chooses:
            self._chosen.add(self._items[self._at].id)
        self._go(self._at + by)
        if chooses:
            self._chosen.add(self._items[self._at].id)
            self._mark()

    def _meant(self) -> list[MessageOut]:
        """Return the selected messages; where none is, the one that the person is at."""
        if self._chosen:
            return [item for item in self._items if item.id in self._chosen]
        return self._items[self._at : self._at + 1]

    async def _approve(self) -> None:
        meant = self._meant()
        if meant:
            hashes = {item.id: item.body_hash for item in meant}
            await self._finish(await attempt(self._client.approve_messages(hashes)), "approved")

    async def _reject(self) -> None:
        meant = self._meant()
        if len(meant) > 1 and not await _sure(f"Reject {len(meant)} messages for good?"):
            return
        if meant:
            ids = [item.id for item in meant]
            await self._finish(await attempt(self._client.reject_messages(ids)), "rejected")

    async def _edit(self) -> None:
        """Let a person write other texts for the selected, or for the one that they are at."""
        meant = self._meant()
        if not meant:
            return
        self._busy = True  # the dialog's keys are its own
        try:
            texts = await edited_texts(meant)
        finally:
            self._busy = False
        await self._save(texts, {item.id: item.body_hash for item in meant})

    async def _save(self, texts: Mapping[int, str], read: Mapping[int, str]) -> None:
        """Save texts; what somebody has changed meanwhile is shown beside them, and asked about."""
        if not texts:
            return
        batch = await attempt(self._client.edit_messages(texts, read=read))
        clashed = {item.id for item in batch.items if item.outcome == "conflict"} if batch else ()
        await self._finish(batch, "changed: approve it", told=not clashed)
        if not clashed:
            return
        now = {item.id: item for item in self._items}
        self._busy = True
        try:
            clashes = [
                Clash(number, now.get(number), texts[number])
                for number in texts
                if number in clashed
            ]
            mine = await settled_clashes(clashes)
        finally:
            self._busy = False
        await self._save(mine, {number: now[number].body_hash for number in mine})

    async def _finish(self, batch: BatchOut | None, what: str, *, told: bool = True) -> None:
        """Tell what became of it, and show what still waits."""
        if batch is None:
            return
        if batch.done:
            ui.notify(f"{batch.done} {what}", type="positive")
        for line in _problems(batch) if told else ():
            ui.notify(line, type="warning", multi_line=True, close_button=True)
        self._chosen.clear()
        self._busy = True
        try:
            await self._load()
        finally:
            self._busy = False


def _problems(batch: BatchOut) -> Sequence[str]:
    """Return what went wrong, each reason once."""
    return list(dict.fromkeys(item.problem for item in batch.items if item.problem))[:5]


async def _sure(question: str) -> bool:
    with ui.dialog() as dialog, ui.card().classes("gap-3"):
        ui.label(question)
        with ui.row().classes("w-full justify-end gap-2"):
            ui.button("Cancel", on_click=lambda: dialog.submit(False)).props("flat no-caps")
            ui.button("Reject", on_click=lambda: dialog.submit(True)).props("unelevated no-caps")
    sure = bool(await dialog)
    dialog.delete()
    return sure
