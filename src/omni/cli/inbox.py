"""`omni inbox`: who wrote back, what it means, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from omni.cli.reading import Json, Limit, ask_api
from omni.cli.render import as_table, cut, moment, print_json, write

if TYPE_CHECKING:
    from omni.client.models import ClassChangeOut, SaidOut

ThreadId = Annotated[int | None, typer.Argument(metavar="[THREAD]", help="Show this one in full.")]
Unread = Annotated[bool, typer.Option("--unread", help="Only those that nobody has looked at.")]


Kind = Annotated[
    str | None, typer.Option("--class", help="Whose newest event says this, such as interested.")
]
Campaign = Annotated[int | None, typer.Option(help="Only those of this campaign.")]


def inbox(
    thread: ThreadId = None,
    unread: Unread = False,
    kind: Kind = None,
    campaign: Campaign = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the conversations, those that moved last first, or show one in full.

    Showing one here leaves it unread: whoever works in the web UI finds it there.
    """
    if thread is not None:
        _show(thread, as_json=as_json)
        return
    items = ask_api(
        lambda client: client.list_threads(
            kind=kind, unread=unread, campaign_id=campaign, limit=limit
        )
    ).items
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
        return
    as_table(
        ("id", "new", "last (UTC)", "who", "class", "said last", "what to do"),
        [
            (
                str(item.id),
                "new" if item.unread else "",
                moment(item.last_at),
                f"{item.username} ({item.platform})",
                item.kind,
                cut(item.last_text or "", 60),
                item.next_step,
            )
            for item in items
        ],
        empty=(
            "No conversation here."
            if unread or kind or campaign
            else "Nobody has written back yet. Inboxes are read every five minutes."
        ),
    )


def _show(thread_id: int, *, as_json: bool) -> None:
    found = ask_api(lambda client: client.get_thread(thread_id))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    thread = found.thread
    write(f"{thread.username} ({thread.platform_id} on {thread.platform}) to {thread.account}")
    for line in found.follows:
        write(line)
    for each in found.suppressions:
        write(f"Suppressed ({each.scope}): {each.reason}, since {moment(each.created_at)}")
    write(f"For you: {thread.next_step}.")
    changes: dict[int, list[ClassChangeOut]] = {}
    for change in found.classes:
        changes.setdefault(change.event_id, []).append(change)
    as_table(
        ("when (UTC)", "who", "what", "text"),
        [_row(said, changes.get(said.id, [])) for said in found.said],
        empty="Nothing is kept of what was said.",
    )


def _row(said: SaidOut, changes: list[ClassChangeOut]) -> tuple[str, ...]:
    if said.ours:
        what = f"{said.kind}: {said.error}" if said.error else said.kind
    else:
        what = f"{said.kind} (says {said.classed_by or 'the platform'})"
        what += "".join(
            f"; was {change.old_kind}{f': {change.note}' if change.note else ''}"
            for change in changes
        )
    theirs = "platform" if said.kind in ("delivered", "bounced") else "they"
    return moment(said.at), "we" if said.ours else theirs, what, said.text or ""
