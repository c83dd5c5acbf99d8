"""`omni suppress`, `omni suppressions`: who must not be written to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omni.base.errors import Rejected
from omni.cli.reading import Json, Limit, ask_api
from omni.cli.render import as_table, moment, print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient
    from omni.client.models import Scope, SuppressionFileOut, SuppressionOut

_SAYS_ITSELF = re.compile(r"https?://|at://|acct:|did:|@|matrix:u/|[^:]+/", re.I)
"""How links, ids and names begin that say on which platform somebody is."""

PIECE = 256 * 1024
"""Bytes of a file that are read at a time."""


def add_commands(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("suppress", help="Never write to somebody; or lift that, for a reason.")(suppress)
    app.command("suppressions", help="List who must not be written to.")(suppressions)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One suppression, as the API takes it."""

    scope: Scope
    platform: str | None = None
    platform_id: str | None = None
    domain: str | None = None


def suppress(
    who: Annotated[
        str | None,
        typer.Argument(
            metavar="[PLATFORM:ID]",
            help="Somebody, by immutable id or username; or a profile's link.",
        ),
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Everybody of it, and below it.")] = None,
    platform: Annotated[
        str | None, typer.Option(help="Everybody on it; with --file, of lines that name none.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody.")] = False,
    file: Annotated[
        Path | None, typer.Option(help="Everybody in a CSV file.", exists=True, dir_okay=False)
    ] = None,
    lift: Annotated[int | None, typer.Option(help="Lift the suppression with this id.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; needed to lift one.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Suppress, or lift a suppression."""
    of_file = platform if file else None
    whole_platform = None if file else platform
    if sum((bool(who), bool(domain), bool(whole_platform), everybody, bool(file), bool(lift))) != 1:
        raise Rejected(
            "name one: PLATFORM:ID, --domain, --platform, --all, --file, or --lift", field="who"
        )
    if file:
        _take_file(file, of_file, reason, as_json=as_json)
    elif lift:
        _lift(lift, reason, yes=yes, as_json=as_json)
    elif who:
        _one(_somebody(who), reason, yes=True, as_json=as_json)
    else:
        scope: Scope = "domain" if domain else "platform" if whole_platform else "all"
        asked = _Asked(scope, whole_platform, domain=domain)
        _one(asked, reason, yes=yes, as_json=as_json)


def _somebody(who: str) -> _Asked:
    """Return whom a person means: somebody of a platform, or a link or id that says which."""
    named, colon, platform_id = who.partition(":")
    if _SAYS_ITSELF.match(who):
        return _Asked("person", None, who)
    if not (named and colon and platform_id):
        raise Rejected(
            f"{who!r} is neither PLATFORM:ID, such as bluesky:ann.example, nor a profile's link",
            field="who",
        )
    return _Asked("person", named, platform_id)


def suppressions(
    search: Annotated[
        str | None, typer.Option(help="How an id, a username or a domain begins.")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Only domains, platforms and everybody.")
    ] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List who must not be written to."""
    items = ask_api(
        lambda client: client.list_suppressions(search=search, wide=wide, limit=limit)
    ).items
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
        return
    as_table(
        ("id", "scope", "platform", "who", "why", "by", "since"),
        [_row(item) for item in items],
        empty="Nobody is suppressed here.",
    )


def _row(item: SuppressionOut) -> tuple[str, ...]:
    since = moment(item.created_at)
    named = item.platform_id
    return (str(item.id), item.scope, item.platform, named, item.reason, item.source, since)


def _one(asked: _Asked, reason: str | None, *, yes: bool, as_json: bool) -> None:
    if not yes:
        _confirm(asked)
    done = ask_api(
        lambda client: client.suppress(
            scope=asked.scope,
            platform=asked.platform,
            platform_id=asked.platform_id,
            domain=asked.domain,
            reason=reason,
        )
    )
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    stands = "is suppressed" if done.added else "was suppressed already"
    write(f"{done.platform}:{done.platform_id} {stands}")
    if done.cancelled_messages:
        write(f"{done.cancelled_messages:,} waiting messages are cancelled")


def _confirm(asked: _Asked) -> None:
    """Say how many waiting messages a wide suppression holds, and ask."""
    scope = asked.scope
    assert scope != "person"
    found = ask_api(
        lambda client: client.concerned_by(scope, platform=asked.platform, domain=asked.domain)
    )
    whom = asked.domain or asked.platform or "everybody"
    least = "at least " if found.more else ""
    typer.confirm(
        f"Write to nobody of {whom!r}? It holds {least}{found.messages:,} waiting messages"
        if scope != "all"
        else f"Write to nobody at all? It holds {least}{found.messages:,} waiting messages",
        abort=True,
        err=True,
    )


def _lift(suppression_id: int, reason: str | None, *, yes: bool, as_json: bool) -> None:
    if not reason or not reason.strip():
        raise Rejected("say why it may be lifted: --reason", field="reason")
    if not yes:
        typer.confirm(
            f"Let whom suppression {suppression_id} concerns be written to again?",
            abort=True,
            err=True,
        )
    done = ask_api(lambda client: client.lift_suppression(suppression_id, reason))
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    write(f"{done.platform}:{done.platform_id} may be written to again: {done.lifted_because}")


def _take_file(path: Path, platform: str | None, reason: str | None, *, as_json: bool) -> None:
    size = path.stat().st_size

    async def send(client: OmniClient) -> SuppressionFileOut:
        return await client.suppress_file(
            _pieces(path), platform=platform, reason=reason, size=size
        )

    done = ask_api(send)
    if as_json:
        print_json(done.model_dump(mode="json"))
        return
    write(
        f"{done.lines:,} lines: {done.added:,} suppressed, {done.known:,} stood already, "
        f"{done.bad:,} not taken; {done.cancelled_messages:,} messages cancelled"
    )
    for problem in done.problems:
        write(f"line {problem.line}: {problem.what}")
    if done.bad > len(done.problems):
        write(f"and {done.bad - len(done.problems):,} more")


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as content:
        while piece := await asyncio.to_thread(content.read, PIECE):
            yield piece
