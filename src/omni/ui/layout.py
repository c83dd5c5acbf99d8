"""The frame around every page: header, colours, light and dark, and how errors are shown."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from nicegui import ui

from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.ui.theme import COLORS, STYLE

T = TypeVar("T")

PAGES = (
    ("Campaigns", "/"),
    ("Inbox", "/inbox"),
    ("Import", "/imports"),
    ("Jobs", "/jobs"),
    ("Freshness", "/freshness"),
    ("Judges", "/judge"),
    ("Hosts", "/hosts"),
    ("Accounts", "/accounts"),
    ("Suppressions", "/suppressions"),
    ("Webhooks", "/webhooks"),
    ("Keys", "/keys"),
    ("Privacy", "/privacy"),
)

STATE_COLORS = {
    "active": "positive", "succeeded": "positive", "accepted": "positive", "sent": "positive",
    "replied": "positive", "running": "primary", "contacted": "primary", "approved": "primary",
    "claimed": "primary", "sending": "primary", "new": "info", "pending": "info", "queued": "info",
    "paused": "warning", "ambiguous": "warning", "failed": "negative", "rejected": "negative",
    "ok": "positive", "slowed": "warning", "open": "negative", "half open": "warning",
    "removing": "primary", "done": "positive", "delivered": "positive", "disabled": "negative",
    "interested": "positive", "converted": "positive", "out_of_office": "info",
    "opt_out": "negative", "blocked": "negative", "bounced": "warning",
}  # fmt: skip


@contextmanager
def frame(title: str, path: str) -> Generator[ui.badge]:
    """Draw the header, then the page's own content inside the block.

    Yields:
        The badge on the inbox's link, hidden until `show_unread` has something to say on it.
    """
    ui.page_title(f"{title} · Omni")
    ui.colors(**COLORS)
    ui.add_css(STYLE)
    dark = ui.dark_mode(None)
    with ui.header().classes("items-center gap-x-4 gap-y-1 sm:gap-x-6 px-4 sm:px-6 py-2"):
        ui.link("Omni", "/").classes("text-lg font-bold text-white no-underline")
        links = {target: _page_link(label, target, path) for label, target in PAGES}
        with links["/inbox"]:
            unread = ui.badge().props("rounded color=warning text-color=black data-waiting")
            unread.classes("ml-1").set_visibility(False)
        ui.space()
        ui.button(icon="contrast", on_click=dark.toggle).props(
            'flat round dense color=white aria-label="Switch between light and dark"'
        )
    with ui.column().classes("omni-page gap-4 p-4"):
        yield unread


def _page_link(label: str, target: str, path: str) -> ui.link:
    weight = "font-semibold" if target == path else "opacity-90"
    return ui.link(label, target).classes(f"text-white no-underline {weight}")


async def show_unread(client: OmniClient, badge: ui.badge) -> None:
    """Put on a badge how many conversations nobody has looked at; without an answer, nothing."""
    with suppress(ApiProblem, ApiUnreachable):
        unread = await client.unread_threads()
        badge.set_text(str(unread))
        badge.set_visibility(unread > 0)


async def attempt(work: Awaitable[T], done: str | None = None) -> T | None:
    """Await a call of the API; show its problem to the person instead of raising it."""
    try:
        result = await work
    except (ApiProblem, ApiUnreachable) as problem:
        ui.notify(str(problem), type="negative", multi_line=True, close_button=True)
        return None
    if done:
        ui.notify(done, type="positive")
    return result


def chip(state: str) -> ui.badge:
    """Show a state as a small coloured badge."""
    color = STATE_COLORS.get(state, "grey-7")
    return ui.badge(state.replace("_", " "), color=color).props("rounded").classes("px-2")


def nothing(text: str) -> None:
    """Say that a list is empty, and what would fill it."""
    ui.label(text).classes("omni-muted py-6 text-center w-full")


def no_page(text: str) -> None:
    """Say in the place of a page why there is none, and where to go on."""
    ui.label(text).classes("text-2xl font-semibold omni-text").props("data-missing")
    ui.link("All campaigns", "/")


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago (or how far ahead) a moment is, in one unit."""
    if moment is None:
        return "—"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    amount, unit = _unit(abs(seconds))
    return f"in {amount} {unit}" if seconds < -1 else f"{amount} {unit} ago"


def _unit(seconds: float) -> tuple[int, str]:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return int(seconds // size), unit
    return int(seconds), "s"
