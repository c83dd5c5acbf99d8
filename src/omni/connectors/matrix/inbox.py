"""Reads what people wrote in the direct rooms of a sending account, by `/sync`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient
from omni.connectors.matrix.account import MatrixAccount, room_path
from omni.connectors.matrix.mapping import PLATFORM
from omni.connectors.matrix.sender import moment_of
from omni.connectors.types import Credentials, EventKind, InboxEvent, InboxPage
from omni.connectors.values import fields_of, items_of, text_in

PAGE = 100
MAX_PAGES = 10
"""Pages of one room that are read where more was said than `/sync` gives."""

MAX_CURSOR = 1_000
_TYPES = ["m.room.message", "m.room.encrypted", "m.room.member"]


class MatrixInbox:
    """`Inbox` by the direct rooms that the account lists (`m.direct`).

    Args:
        http: The way out.
        base_url: The homeserver of all sending accounts.
    """

    platform = PLATFORM

    def __init__(self, http: HttpClient, base_url: str) -> None:
        self._http = http
        self._base = base_url

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        """Return what happened after `cursor`, oldest first.

        Who answers in an encrypted room has answered, with a text that cannot be read. Who leaves
        the room, or declines the invitation, does not want to be written to.

        Raises:
            Rejected: The cursor is none of the homeserver's.
            Unauthorized: The homeserver does not accept the account.
            Transient: The homeserver did not answer well.
        """
        if cursor is not None and not 0 < len(cursor) <= MAX_CURSOR:
            raise Rejected("not a cursor of a sync", field="cursor")
        account = MatrixAccount(self._http, self._base, owner)
        direct = await account.direct_rooms(await account.user_id())
        people = {room: person for person, rooms in direct.items() for room in rooms}
        asked = {"timeout": "0", "filter": _filter(list(people))}
        answer = await account.get("/sync", asked | ({"since": cursor} if cursor else {}))
        after = text_in(answer, "next_batch")
        if after is None:
            raise Transient(f"{account.base_url} answered a sync without saying how far it goes")
        events: list[InboxEvent] = []
        for room, known in fields_of(fields_of(answer.get("rooms")).get("join")).items():
            if room in people:
                found = await _timeline(account, room, fields_of(known), cursor)
                read = (_event(each, people[room]) for each in found)
                events += [event for event in read if event is not None]
        events.sort(key=lambda event: (event.occurred_at, event.event_id))
        return InboxPage(tuple(events), after)


def _filter(rooms: Sequence[str]) -> str:
    """Return what a sync tells of: what is said in these rooms, and nothing else."""
    nothing: dict[str, list[str]] = {"types": []}
    timeline = {"limit": PAGE, "types": _TYPES}
    room = {
        "rooms": list(rooms), "timeline": timeline, "state": nothing, "ephemeral": nothing,
        "account_data": nothing,
    }  # fmt: skip
    return json.dumps({"presence": nothing, "account_data": nothing, "room": room})


async def _timeline(
    account: MatrixAccount, room: str, known: Mapping[str, Any], since: str | None
) -> list[Mapping[str, Any]]:
    """Return a room's events since the last sync, also where there are more than a sync gives."""
    timeline = fields_of(known.get("timeline"))
    events = [fields_of(event) for event in items_of(timeline.get("events"))]
    before = text_in(timeline, "prev_batch") if timeline.get("limited") is True else None
    for _ in range(MAX_PAGES):
        if before is None:
            break
        params: dict[str, str | int] = {
            "dir": "b", "limit": PAGE, "from": before, "filter": json.dumps({"types": _TYPES}),
        }  # fmt: skip
        page = await account.get(
            f"{room_path(room)}/messages", params | ({"to": since} if since else {})
        )
        chunk = [fields_of(event) for event in items_of(page.get("chunk"))]
        events += chunk
        before = text_in(page, "end") if chunk else None
    return events


def _event(event: Mapping[str, Any], person: str) -> InboxEvent | None:
    """Return what an event means where it is the person's own; None if it means nothing."""
    event_id, at = text_in(event, "event_id"), moment_of(event)
    if event.get("sender") != person or event_id is None or at is None:
        return None
    content = fields_of(event.get("content"))
    kind: EventKind = "replied"
    if event.get("type") == "m.room.member":
        if event.get("state_key") != person or content.get("membership") != "leave":
            return None
        kind = "blocked"
    return InboxEvent(
        event_id=event_id,
        kind=kind,
        platform_id=person,
        text=_text(content) if kind == "replied" else None,
        occurred_at=at,
        in_reply_to=text_in(fields_of(_relation(content).get("m.in_reply_to")), "event_id"),
    )


def _relation(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields_of(content.get("m.relates_to"))


def _text(content: Mapping[str, Any]) -> str | None:
    """Return what was said: of an edit the new words, of an answer those without the quotation."""
    edited = fields_of(content.get("m.new_content"))
    text = text_in(edited, "body") or text_in(content, "body")
    if text is None or not text.startswith("> ") or not _relation(content):
        return text
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if not line.startswith("> ")), len(lines))
    return "\n".join(lines[first:]).strip() or text
