"""`omni accounts` and `omni held`: who sends, and why nothing is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from omni.cli.reading import Json, ask_api
from omni.cli.render import as_table, moment, print_json, write

AccountId = Annotated[int | None, typer.Argument(help="Show this one, or pause or resume it.")]
Pause = Annotated[str | None, typer.Option(help="Send nothing from it; say why.")]
Resume = Annotated[bool, typer.Option("--resume", help="Let it send on: you have looked at why.")]
WarmUp = Annotated[
    Literal["on", "off"] | None,
    typer.Option(help="Let it begin small from now on, or send up to its limits at once."),
]
Campaign = Annotated[int, typer.Argument(help="Whose messages.")]


def accounts(
    account: AccountId = None,
    pause: Pause = None,
    resume: Resume = False,
    warm_up: WarmUp = None,
    as_json: Json = False,
) -> None:
    """List the accounts, or show, pause, resume or warm up one."""
    if account is None:
        if pause is not None or resume or warm_up is not None:
            raise typer.BadParameter("name the account by its number")
        _list(as_json=as_json)
        return
    if pause is not None and resume:
        raise typer.BadParameter("--pause and --resume exclude each other")
    if pause is not None:
        ask_api(lambda client: client.pause_account(account, reason=pause))
    elif resume:
        ask_api(lambda client: client.resume_account(account))
    if warm_up is not None:
        begins = datetime.now(UTC) if warm_up == "on" else None
        ask_api(lambda client: client.update_account(account, warmup_from=begins))
    _show(account, as_json=as_json)


def held(campaign: Campaign, as_json: Json = False) -> None:
    """Say what holds a campaign's messages, until when, and what helps."""
    found = ask_api(lambda client: client.held(campaign))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    as_table(
        ("messages", "held by", "platform", "next (UTC)", "what helps"),
        [
            (str(each.messages), each.gate, each.platform, moment(each.next_eligible), each.help)
            for each in found.items
        ],
        empty="No message waits.",
    )
    drafting = ask_api(lambda client: client.drafting(campaign))
    if drafting.reason is not None and drafting.recipients:
        write(f"{drafting.recipients:,} wait for a first message: {drafting.words}.")
        write(drafting.help)
    if found.in_conversation:
        write(f"Leads without a first message, already in conversation: {found.in_conversation:,}")


def _list(*, as_json: bool) -> None:
    items = ask_api(lambda client: client.list_accounts())
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
        return
    as_table(
        ("id", "platform", "handle", "status", "hour", "day", "week", "why paused"),
        [
            (
                str(item.id),
                item.platform,
                item.handle,
                item.status,
                str(item.hourly_limit),
                str(item.daily_limit),
                str(item.weekly_limit),
                item.pause_reason or "",
            )
            for item in items
        ],
        empty="No accounts yet: nothing can be sent.",
    )


def _show(account: int, *, as_json: bool) -> None:
    now = ask_api(lambda client: client.account(account))
    if as_json:
        print_json(now.model_dump(mode="json"))
        return
    shown = now.account
    write(f"{shown.handle} on {shown.platform}: {shown.status}")
    if shown.pause_reason:
        write(f"Paused by {shown.paused_by}: {shown.pause_reason}")
    if now.gate:
        until = f", until {moment(now.next_at)}" if now.next_at else ""
        write(f"Waits: {now.gate}{until}. {now.help}")
    write(
        f"Used: {now.in_hour} of {shown.hourly_limit} this hour, {now.in_day} of {now.daily_cap} "
        f"today, {now.in_week} of {shown.weekly_limit} this week"
    )
    if shown.warmup_from is None:
        write("No warm-up.")
    else:
        write(
            f"Warm-up since {moment(shown.warmup_from)}: {shown.warmup_first} a day at first, "
            f"{shown.daily_limit} after {shown.warmup_days} days"
        )
    tries = now.tries
    write(
        f"Of the last {tries.tried}: {tries.errors} refused or in doubt, {tries.blocked} blocked "
        f"it, {tries.opted_out} opted out, {tries.bounced} undeliverable"
    )
