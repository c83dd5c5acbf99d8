"""Which API key each browser works with; kept in memory only, never on disk."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from nicegui import app, ui

from omni.client.client import ApiProblem, OmniClient

MAX_SESSIONS = 1_000


class Sessions:
    """Gives each page its client of the API.

    On this machine alone nobody has to log in: every page shares one client. Where the UI listens
    on another address, each browser brings an API key of its own. Whoever has logged in acts with
    the scopes of that key, wherever the UI listens.
    """

    def __init__(self, api_url: str, api_key: str | None, *, require_login: bool) -> None:
        self._api_url = api_url
        self._shared = None if require_login else OmniClient(api_url, api_key=api_key)
        self._by_browser: OrderedDict[str, OmniClient] = OrderedDict()

    def current(self) -> OmniClient | None:
        """Return this browser's client; None (and on its way to the log-in page) if it has none."""
        client = self.find()
        if client is None:
            ui.navigate.to("/login")
        return client

    def find(self) -> OmniClient | None:
        """Return this browser's client; None if it has none."""
        return self._by_browser.get(_browser_id()) or self._shared

    def is_logged_in(self) -> bool:
        """Tell whether this browser has brought a key."""
        return _browser_id() in self._by_browser

    async def log_in(self, api_key: str) -> OmniClient:
        """Try the key on the API and keep it for this browser.

        An API on this machine asks for no key, so that nothing must not pass for one.

        Raises:
            ApiProblem: It is no key, or the API refuses it.
        """
        key = api_key.strip()
        if not (key and key.isascii() and key.isprintable()):
            raise ApiProblem(401, "No API key", "give an API key: omni keys create NAME makes one")
        client = OmniClient(self._api_url, api_key=key)
        try:
            await client.list_campaigns(limit=1)
        except BaseException:
            await client.close()
            raise
        before = self._by_browser.pop(_browser_id(), None)
        self._by_browser[_browser_id()] = client
        if before is None and len(self._by_browser) > MAX_SESSIONS:
            _, before = self._by_browser.popitem(last=False)
        if before is not None:
            await before.close()
        return client

    async def log_out(self) -> None:
        """Forget this browser's key."""
        client = self._by_browser.pop(_browser_id(), None)
        if client is not None:
            await client.close()

    async def close(self) -> None:
        """Close every connection to the API."""
        for client in (*self._by_browser.values(), self._shared):
            if client is not None:
                await client.close()


def _browser_id() -> str:
    storage: Any = app.storage
    return str(storage.browser["id"])
