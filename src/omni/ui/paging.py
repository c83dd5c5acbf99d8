"""A list that a page shows a part at a time, with a filter by state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from nicegui import ui

from omni.client.models import Page
from omni.ui.layout import attempt, nothing

PAGE = 20
T = TypeVar("T")


class PagedList(ABC, Generic[T]):
    """Draws a filter, the first page, and a way to the next one.

    Args:
        states: The states to choose from; the first is shown.
    """

    def __init__(self, states: Sequence[str]) -> None:
        self._states = list(states)
        self._state = self._states[0]
        self._cursor: str | None = None
        self._shown = 0
        self._asked: tuple[str, str | None] | None = None

    @abstractmethod
    async def fetch(self, state: str, cursor: str | None) -> Page[T]:
        """Ask the API for one page."""

    @abstractmethod
    def draw_item(self, item: T) -> None:
        """Draw one item at the end of the list."""

    @abstractmethod
    def empty_text(self, state: str) -> str:
        """Return what to say where there is nothing."""

    def draw_extra(self) -> None:
        """Draw what else belongs beside the filter: nothing, if a list does not say."""

    @property
    def state(self) -> str:
        """The state that is shown."""
        return self._state

    async def draw(self) -> None:
        """Draw the filter and the first page."""
        with ui.row().classes("w-full items-center gap-3"):
            ui.toggle(
                {state: state.replace("_", " ") for state in self._states},
                value=self._state,
                on_change=lambda e: self._show(str(e.value)),
            ).props("dense no-caps unelevated")
            self._news = ui.button("Show what is new", icon="refresh", on_click=self.reload)
            self._news.props("flat dense no-caps").set_visibility(False)
            self.draw_extra()
        self._list = ui.column().classes("w-full gap-3")
        self._more = ui.button("More", on_click=self._next).props("flat no-caps")
        await self._next()

    async def tell_news(self) -> None:
        """Show news at once where nothing stood; else what a person reads or writes stays."""
        if self._shown:
            self._news.set_visibility(True)
        else:
            await self.reload()

    async def reload(self) -> None:
        """Begin again at the first page."""
        self._cursor = None
        self._asked = None
        self._news.set_visibility(False)
        await self._next()

    async def _show(self, state: str) -> None:
        self._state = state
        await self.reload()

    async def _next(self) -> None:
        """Draw the next page; a second click while it comes does nothing."""
        asked = (self._state, self._cursor)
        if asked == self._asked:
            return
        self._asked = asked
        try:
            page = await attempt(self.fetch(*asked))
            if page is not None and self._asked is asked:  # else something else was asked meanwhile
                self._append(page, first=asked[1] is None)
        finally:
            if self._asked is asked:
                self._asked = None

    def _append(self, page: Page[T], *, first: bool) -> None:
        if first:
            self._list.clear()
            self._shown = 0
        self._shown += len(page.items)
        with self._list:
            if first and not page.items:
                nothing(self.empty_text(self._state))
            for item in page.items:
                self.draw_item(item)
        self._cursor = page.next_cursor
        self._more.set_visibility(page.next_cursor is not None)
