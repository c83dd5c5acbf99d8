"""Serves the web UI: which page stands at which address, and who may open it."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus

from nicegui import Client, app, ui
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from omni.base.settings import Settings, is_loopback
from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.client.lead_files import LeadFormat
from omni.ui.accounts import AccountsPage
from omni.ui.campaign import CampaignPage
from omni.ui.campaigns import draw_campaigns
from omni.ui.conversation import ConversationPage
from omni.ui.drafting import DraftingPage
from omni.ui.freshness import FreshnessPage
from omni.ui.hosts import HostsPage
from omni.ui.imports import ImportsPage
from omni.ui.inbox import InboxPage
from omni.ui.jobs import JobList
from omni.ui.judge import JudgePage
from omni.ui.keys import KeysPage
from omni.ui.layout import attempt, frame, no_page, show_unread
from omni.ui.privacy import PrivacyPage
from omni.ui.session import Sessions
from omni.ui.suppressions import SuppressionsPage
from omni.ui.webhooks import WebhooksPage

PICTURE_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}

FILE_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


PATIENCE_S = 60.0
"""How long a page waits for what it shows: after NiceGUI's own 3 s a busy machine gives a 500."""

_page = partial(ui.page, response_timeout=PATIENCE_S)


@asynccontextmanager
async def _opened(sessions: Sessions, title: str, path: str) -> AsyncGenerator[OmniClient | None]:
    """Draw the frame around a page; give the browser's client, None if it has to log in first."""
    with frame(title, path) as unread:
        client = sessions.current()
        yield client
        if client is not None:
            await show_unread(client, unread)


def run_ui(settings: Settings) -> None:
    """Serve the UI until the process is told to stop.

    On a loopback address every page may be opened from this machine, under this machine's names
    only (another name in the Host header is DNS rebinding); elsewhere each browser logs in with an
    API key.
    """
    local = is_loopback(settings.ui_host)
    key = settings.api_key.get_secret_value() if settings.api_key else None
    sessions = Sessions(settings.api_url, key, require_login=not local)
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    _register_pages(sessions)
    _register_inbox(sessions)
    _register_access(sessions)
    _register_pictures(sessions)
    _register_downloads(sessions)
    _register_missing()
    app.on_shutdown(sessions.close)  # pyright: ignore[reportUnknownMemberType]
    ui.run(  # pyright: ignore[reportUnknownMemberType]
        host=settings.ui_host,
        port=settings.ui_port,
        title="Omni",
        dark=None,
        show=False,
        reload=False,
        storage_secret=secrets.token_hex(32),
        show_welcome_message=False,
        uvicorn_logging_level="warning",
    )


def _register_pictures(sessions: Sessions) -> None:
    """Hand on pictures of the API, which no browser reaches itself, to whoever may open a page."""

    @app.get("/images/{sha256}")
    async def picture(sha256: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        client = sessions.find()
        if client is None or not re.fullmatch("[0-9a-f]{64}", sha256):
            return Response(status_code=404)
        try:
            data = await client.image(sha256)
        except (ApiProblem, ApiUnreachable):
            return Response(status_code=404)
        return Response(data, media_type="image/webp", headers=PICTURE_HEADERS)


def _register_downloads(sessions: Sessions) -> None:
    """Hand on files of the API as they come, to whoever may open a page."""

    @app.get("/accounts/{account_id:int}/handed-over.csv")
    async def handed_over(account_id: int) -> Response:  # pyright: ignore[reportUnusedFunction]
        client = sessions.find()
        if client is None:
            return Response(status_code=404)
        name = f"handed-over-{account_id}.csv"
        return await _handed_on(client.handed_over(account_id), name)

    @app.get("/campaigns/{campaign_id:int}/leads.{kind}")
    async def leads(  # pyright: ignore[reportUnusedFunction]
        campaign_id: int, kind: LeadFormat, state: str | None = None
    ) -> Response:
        client = sessions.find()
        if client is None:
            return Response(status_code=404)
        pieces = client.lead_file(campaign_id, kind, state=state)
        return await _handed_on(pieces, f"leads-{campaign_id}.{kind}")


async def _handed_on(pieces: AsyncIterator[bytes], name: str) -> Response:
    """Return a file of the API as it comes; one that breaks off there breaks off here."""
    try:
        first = await anext(pieces, b"")
    except (ApiProblem, ApiUnreachable) as problem:
        return PlainTextResponse(str(problem), HTTPStatus.BAD_GATEWAY)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    media_type = FILE_TYPES[name.rpartition(".")[2]]
    return StreamingResponse(whole(), media_type=media_type, headers=headers)


def _register_missing() -> None:
    """Answer addresses at which there is no page with a page that says so."""

    async def missing(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/_nicegui/"):
            return PlainTextResponse("not found", HTTPStatus.NOT_FOUND)
        del error
        with Client(ui.page(""), request=request) as client, frame("Not found", ""):
            no_page("There is no such page")
        return client.build_response(request, HTTPStatus.NOT_FOUND)

    app.add_exception_handler(HTTPStatus.NOT_FOUND, missing)


def _register_inbox(sessions: Sessions) -> None:
    @_page("/inbox")
    async def inbox() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Inbox", "/inbox") as client:
            if client:
                await InboxPage(client).draw()

    @_page("/inbox/{thread_id:int}")
    async def conversation(thread_id: int) -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Conversation", "/inbox") as client:
            if client:
                await ConversationPage(client, thread_id).draw()


def _register_pages(sessions: Sessions) -> None:
    @_page("/")
    async def campaigns() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Campaigns", "/") as client:
            if client:
                await draw_campaigns(client)

    @_page("/campaigns/{campaign_id:int}")
    async def campaign(campaign_id: int) -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Campaign", "/") as client:
            if client:
                await CampaignPage(client, campaign_id).draw()

    @_page("/campaigns/{campaign_id:int}/drafts")
    async def drafting(campaign_id: int) -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Drafts", "/") as client:
            if client:
                await DraftingPage(client, campaign_id).draw()

    @_page("/jobs")
    async def jobs() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Jobs", "/jobs") as client:
            if client:
                ui.label("Jobs").classes("text-2xl font-semibold")
                await JobList(client).draw()

    @_page("/freshness")
    async def freshness() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Freshness", "/freshness") as client:
            if client:
                await FreshnessPage(client).draw()

    @_page("/hosts")
    async def hosts() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Hosts", "/hosts") as client:
            if client:
                await HostsPage(client).draw()

    @_page("/imports")
    async def imports() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Import", "/imports") as client:
            if client:
                await ImportsPage(client).draw()

    @_page("/judge")
    async def judge() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Judges", "/judge") as client:
            if client:
                await JudgePage(client).draw()

    @_page("/accounts")
    async def accounts() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Accounts", "/accounts") as client:
            if client:
                await AccountsPage(client).draw()

    @_page("/suppressions")
    async def suppressions() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Suppressions", "/suppressions") as client:
            if client:
                await SuppressionsPage(client).draw()

    @_page("/privacy")
    async def privacy() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Privacy", "/privacy") as client:
            if client:
                await PrivacyPage(client).draw()

    @_page("/webhooks")
    async def webhooks() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Webhooks", "/webhooks") as client:
            if client:
                await WebhooksPage(client).draw()


def _register_access(sessions: Sessions) -> None:
    """Register the pages on who may do what."""

    @_page("/keys")
    async def keys() -> None:  # pyright: ignore[reportUnusedFunction]
        async with _opened(sessions, "Keys", "/keys") as client:
            if client:
                await KeysPage(client).draw()

    @_page("/login")
    async def login() -> None:  # pyright: ignore[reportUnusedFunction]
        with frame("Log in", "/login"):
            _login_form(sessions)


def _login_form(sessions: Sessions) -> None:
    ui.label("Log in with an API key").classes("text-2xl font-semibold")
    ui.label("What this browser does is then what that key may do.").classes("omni-muted")
    key = ui.input("API key", password=True).classes("w-full").props("outlined")

    async def log_in() -> None:
        if await attempt(sessions.log_in(str(key.value or "")), "Welcome") is not None:
            ui.navigate.to("/")

    async def log_out() -> None:
        await sessions.log_out()
        ui.navigate.to("/")

    with ui.row().classes("gap-2"):
        ui.button("Log in", on_click=log_in).props("no-caps unelevated")
        if sessions.is_logged_in():
            ui.button("Log out", on_click=log_out).props("no-caps outline")
