"""The accounts that messages go out from: their limits, how they are doing, and what stops them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from nicegui import ui

from omni.client.accounts import PacingParams
from omni.client.client import OmniClient
from omni.client.models import AccountNow, AccountOut
from omni.ui.layout import ago, attempt, chip, nothing

DAYS = {1: "Mon", 2: "Tue", 3: "Wed", 4: "Thu", 5: "Fri", 6: "Sat", 7: "Sun"}
HANDED_OVER = "export:"
"""How the id of an account begins whose messages are rows of a file for other tools."""
NEW_GAP_S, NEW_JITTER_S = 60, 30
"""What the form proposes to a new account: slower than a machine."""


class SenderList:
    """Every account, and the form for a new one."""

    def __init__(self, client: OmniClient) -> None:
        self._client = client

    async def draw(self) -> None:
        """Draw the accounts, then the form."""
        await self._accounts()
        await self._form()

    @ui.refreshable_method
    async def _accounts(self) -> None:
        accounts = await attempt(self._client.list_accounts())
        if accounts is None:
            return
        if not accounts:
            nothing("No accounts yet: nothing can be sent.")
        for account in accounts:
            await self._card(account)

    async def _card(self, account: AccountOut) -> None:
        now = await attempt(self._client.account(account.id))
        card = (
            ui.card().classes("w-full gap-2 p-4").props(f"flat bordered data-account={account.id}")
        )
        with card:
            with ui.row().classes("w-full items-center gap-3"):
                ui.label(account.handle).classes("font-semibold omni-text")
                ui.label(account.platform).classes("omni-muted")
                chip(account.status)
                if account.verified_at is None:
                    ui.label("not verified").classes("text-warning text-sm")
                ui.space()
                self._buttons(account)
            if account.status == "paused":
                _warning(f"Paused by {_pauser(account)}: {account.pause_reason or 'no reason'}")
            ui.label(limits_text(account)).classes("text-sm omni-text")
            ui.label(quiet_text(account)).classes("text-sm omni-muted omni-text")
            if now is not None:
                self._health(now)

    def _health(self, now: AccountNow) -> None:
        used = f"Used: {now.in_hour} this hour, {now.in_day} of {now.daily_cap} today, "
        ui.label(used + f"{now.in_week} this week").classes("text-sm omni-text")
        if now.gate is not None:
            until = f" until {moment_text(now.next_at)}" if now.next_at else ""
            _warning(f"Waits: {now.gate}{until}. {now.help}")
        tries = now.tries
        ui.label(
            f"Of the last {tries.tried}: {tries.errors} refused or in doubt, {tries.blocked} "
            f"blocked it, {tries.opted_out} opted out, {tries.bounced} undeliverable"
        ).classes("text-sm omni-muted omni-text")
        account = now.account
        if account.last_ok_at:
            ui.label(f"Last went well {ago(account.last_ok_at)}").classes("text-sm omni-muted")
        if account.last_error and account.last_error_at:
            said = f"Last error {ago(account.last_error_at)}: {account.last_error}"
            ui.label(said).classes("text-sm omni-muted omni-text")

    def _buttons(self, account: AccountOut) -> None:
        flat = "flat dense no-caps"
        if (account.platform_id or "").startswith(HANDED_OVER):
            where = f"/accounts/{account.id}/handed-over.csv"
            ui.button(
                "Handed over, CSV", icon="download", on_click=lambda: ui.download.from_url(where)
            ).props(flat)
        if account.status == "active":
            ui.button("Pause", on_click=lambda: self._pause(account)).props(flat)
        else:
            ui.button("Resume", on_click=lambda: self._resume(account)).props(flat)
        ui.button("Limits", on_click=lambda: self._limits(account)).props(flat)
        ui.button("Secret", on_click=lambda: self._secret(account)).props(flat)

    async def _done(self, work: Awaitable[Any], said: str) -> None:
        if await attempt(work, said) is not None:
            self._accounts.refresh()

    async def _pause(self, account: AccountOut) -> None:
        with _dialog(f"Pause {account.handle}") as dialog:
            reason = ui.input("Why?").classes("w-full")
            _end(dialog, "Pause")
        if await dialog:
            why = str(reason.value or "").strip() or None
            await self._done(self._client.pause_account(account.id, reason=why), "Paused")

    async def _resume(self, account: AccountOut) -> None:
        with _dialog(f"Resume {account.handle}") as dialog:
            if account.paused_by == "harm":
                _warning(f"It was stopped because {account.pause_reason}.")
            ui.label("It sends on within its limits. What went wrong before no longer counts.")
            _end(dialog, "Resume")
        if await dialog:
            await self._done(self._client.resume_account(account.id), "Resumed")

    async def _secret(self, account: AccountOut) -> None:
        with _dialog(f"New secret of {account.handle}") as dialog:
            secret = ui.input("Token or app password", password=True).classes("w-full")
            _end(dialog, "Verify and keep")
        if not await dialog:
            return
        if not secret.value:
            ui.notify("Nothing was typed: the secret stays as it is", type="warning")
        else:
            work = self._client.renew_secret(account.id, str(secret.value))
            await self._done(work, "Verified and kept")

    async def _limits(self, account: AccountOut) -> None:
        with _dialog(f"Limits of {account.handle}") as dialog:
            read = pacing_fields(account)

            async def save() -> None:
                """Save what was changed here alone: another window may have changed the rest."""
                given = read()
                if given is None:
                    return
                changed = {k: v for k, v in given.items() if v != getattr(account, k)}
                if changed:
                    work = self._client.update_account(account.id, **cast("PacingParams", changed))
                    if await attempt(work, "Saved") is None:
                        return
                dialog.submit(True)

            _end(dialog, "Save", save)
        if await dialog:
            self._accounts.refresh()

    async def _form(self) -> None:
        platforms = [p.platform for p in await attempt(self._client.platforms("send")) or []]
        with (
            ui.expansion("Add an account", icon="add")
            .classes("w-full")
            .props("dense data-new-account")
        ):
            with ui.row().classes("w-full items-end gap-3"):
                first = platforms[0] if platforms else None
                platform = ui.select(platforms, label="Platform", value=first).style(
                    "min-width:9rem"
                )
                handle = ui.input("Handle")
                secret = ui.input("Token or app password", password=True)
            read = pacing_fields(None)

            async def add() -> None:
                limits = read()
                if limits is None:
                    return
                added = await attempt(
                    self._client.create_account(
                        platform=str(platform.value or ""),
                        handle=str(handle.value or ""),
                        secret=str(secret.value) if secret.value else None,
                        **limits,
                    ),
                    "Added",
                )
                if added is not None:
                    secret.set_value("")
                    self._accounts.refresh()

            ui.button("Add account", on_click=add).props("no-caps outline")


def pacing_fields(account: AccountOut | None) -> Callable[[], PacingParams | None]:
    """Draw the fields of an account's limits; return what reads them.

    That returns None, and says so, while a number is missing: an emptied limit is no limit of 0.
    """
    with ui.row().classes("w-full items-end gap-3"):
        hourly = _number("An hour", account.hourly_limit if account else 10)
        daily = _number("A day", account.daily_limit if account else 50)
        weekly = _number("A week", account.weekly_limit if account else 200)
        gap = _number("Seconds between", account.gap_s if account else NEW_GAP_S)
        jitter = _number("Random delay, s", account.jitter_s if account else NEW_JITTER_S)
    with ui.row().classes("w-full items-end gap-3"):
        zone = ui.input("Time zone", value=account.zone if account else "UTC")
        start = ui.input("Quiet from", value=account.quiet_from if account else "00:00")
        end = ui.input("Quiet to", value=account.quiet_to if account else "00:00")
        days = ui.select(
            DAYS, label="Quiet days", multiple=True, value=account.quiet_days if account else []
        ).style("min-width:9rem")
    with ui.row().classes("w-full items-end gap-3"):
        begun = account.warmup_from if account else None
        warming = ui.switch("Warm-up", value=account is None or begun is not None)
        first = _number("First day", account.warmup_first if account else None)
        first.props('placeholder="a tenth" stack-label')
        length = _number("Days", account.warmup_days if account else 14)

    def read() -> PacingParams | None:
        typed = [each.value for each in (hourly, daily, weekly, gap, jitter, length)]
        if None in typed:
            ui.notify("A number is missing: 0 stands for none at all", type="warning")
            return None
        numbers = [int(each or 0) for each in typed]
        given = PacingParams(
            hourly_limit=numbers[0],
            daily_limit=numbers[1],
            weekly_limit=numbers[2],
            gap_s=numbers[3],
            jitter_s=numbers[4],
            warmup_from=(begun or datetime.now(UTC)) if warming.value else None,
            warmup_days=numbers[5],
            zone=str(zone.value or ""),
            quiet_from=str(start.value or ""),
            quiet_to=str(end.value or ""),
            quiet_days=sorted(map(int, cast("list[int]", days.value or []))),
        )
        if first.value:
            given["warmup_first"] = int(first.value)
        return given

    return read


def limits_text(account: AccountOut) -> str:
    """Say an account's limits in one line."""
    said = [
        f"{account.hourly_limit} an hour",
        f"{account.daily_limit} a day",
        f"{account.weekly_limit} a week",
    ]
    if account.gap_s:
        said.append(f"{account.gap_s} s between two")
    if account.jitter_s:
        said.append(f"up to {account.jitter_s} s of random delay")
    if account.warmup_from:
        said.append(f"warm-up from {account.warmup_first} a day over {account.warmup_days} days")
    return ", ".join(said)


def quiet_text(account: AccountOut) -> str:
    """Say when an account is quiet."""
    said: list[str] = []
    if account.quiet_from != account.quiet_to:
        said.append(f"{account.quiet_from} to {account.quiet_to}")
    said += [DAYS[day] for day in account.quiet_days]
    quiet = ", ".join(said)
    if not quiet:
        return f"No quiet hours ({account.zone})"
    return f"Quiet: {quiet} ({account.zone}), and where the person is"


def moment_text(moment: datetime) -> str:
    """Say a moment in UTC, as the API has it."""
    return f"{moment.astimezone(UTC):%d %b %H:%M} UTC"


def _pauser(account: AccountOut) -> str:
    return {"harm": "Omni", "credentials": "its platform"}.get(account.paused_by or "", "a person")


def _warning(text: str) -> None:
    ui.label(text).classes("text-warning text-sm omni-text")


def _number(label: str, value: int | None) -> ui.number:
    return ui.number(label, value=value, min=0, precision=0).style("width:8rem")


@contextmanager
def _dialog(title: str) -> Generator[ui.dialog]:
    with ui.dialog() as dialog, ui.card().classes("w-full gap-3"):
        ui.label(title).classes("text-lg font-semibold omni-text")
        yield dialog


def _end(dialog: ui.dialog, label: str, done: Callable[[], Any] | None = None) -> None:
    """Draw the buttons; `done` closes the dialog by itself, once what it does has worked."""
    with ui.row().classes("w-full justify-end gap-2"):
        ui.button("Cancel", on_click=lambda: dialog.submit(False)).props("flat no-caps")
        ui.button(label, on_click=done or (lambda: dialog.submit(True))).props("no-caps unelevated")
