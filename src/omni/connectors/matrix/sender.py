"""Writes to people in direct rooms, which are opened where there is none.

By the client-server API: `createRoom` with `is_direct`, `m.direct`, and `send` with a transaction
id that the homeserver honours. Opening a room invites the person, so it is done once and not again:
a room that was perhaps opened makes the message ambiguous. Whoever has left or declined is not
invited again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from omni.base.clock import Clock, utc_now
from omni.base.errors import Ambiguous, CannotTell, Rejected, Transient, Unauthorized
from omni.connectors.http import HttpClient, HttpRejected
from omni.connectors.matrix.account import MatrixAccount, room_path, user_path
from omni.connectors.matrix.mapping import PLATFORM, is_user_id, map_profile
from omni.connectors.readback import SKEW, find_receipt
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt
from omni.connectors.values import fields_of, items_of, text_in

PAGE = 100
MAX_PAGES = 10
NOTING_TRIES = 3

_HERE = ("join", "invite", "knock")


class MatrixSender:
    """`MessageSender` by direct rooms.

    Args:
        http: The way out.
        base_url: The homeserver of all sending accounts.
        clock: Tells when a message was taken; the homeserver's answer does not.
    """

    platform = PLATFORM

    def __init__(self, http: HttpClient, base_url: str, *, clock: Clock = utc_now) -> None:
        self._http = http
        self._base = base_url
        self._clock = clock

    async def verify(self, sender: Credentials) -> Identity:
        """Return whose token it is.

        Raises:
            Unauthorized: The homeserver does not accept the account.
            Rejected: The token is somebody else's.
            Transient: The homeserver did not answer well.
        """
        user_id = await self._account(sender).user_id()
        if sender.handle.startswith("@") and sender.handle != user_id:
            raise Rejected(
                f"the token is {user_id}'s, not {sender.handle}'s: enter the one that belongs to"
                " the handle",
                field="handle",
            )
        return Identity(user_id, user_id)

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Return why this person may not be written to; see `MessageSender.refusal`."""
        account = self._account(sender)
        me = await account.user_id()
        reason = await _no_person(account, platform_id)
        return reason or (await _rooms(account, me, platform_id))[1]

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Write into the direct room with this person; see `MessageSender.send`."""
        account, person = self._account(sender), message.platform_id
        me = await account.user_id()
        reason = await _no_person(account, person)
        room, left = await _rooms(account, me, person)
        if reason or left:
            raise Rejected(reason or left or "")
        if room is None:
            room = await _open_room(account, me, person)
        elif await account.find(f"{room_path(room)}/state/m.room.encryption") is not None:
            raise Rejected("the direct room with this person is encrypted, which Omni cannot write")
        answer = await account.put(
            f"{room_path(room)}/send/m.room.message/{quote(message.key, safe='')}",
            {"msgtype": "m.text", "body": message.text},
            retry=False,
        )
        event_id = text_in(answer, "event_id")
        if event_id is None:
            raise Ambiguous("perhaps taken: the homeserver answered without naming the event")
        return Receipt(event_id, self._clock())

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Read back what the account wrote to this person; see `MessageSender.find_sent`."""
        account = self._account(sender)
        me = await account.user_id()
        for room in await account.rooms_with(me, message.platform_id):
            found = await _found_in(account, me, room, message, since)
            if found is not None:
                return found
        return None

    def _account(self, sender: Credentials) -> MatrixAccount:
        return MatrixAccount(self._http, self._base, sender)


async def _no_person(account: MatrixAccount, person: str) -> str | None:
    """Return why there is nobody to write to, None if there is."""
    if not is_user_id(person):
        return "this is no Matrix user id"
    try:
        profile = await account.get(f"/profile/{quote(person, safe='')}")
    except HttpRejected as error:
        if error.status == 403:  # not to be seen, which is not gone
            return None
        return "this person is gone, or unknown to the homeserver"
    shown = map_profile(person, profile, base_url=account.base_url, authenticated=False)
    return None if shown.discoverable else "this person does not want to be found"


async def _rooms(account: MatrixAccount, me: str, person: str) -> tuple[str | None, str | None]:
    """Return the direct room with somebody, and why they must be left alone."""
    for room in await account.rooms_with(me, person):
        membership = await account.membership(room, person)
        if membership in _HERE:
            return room, None
        if membership == "leave":
            return None, "this person has left the conversation, or declined it"
        if membership == "ban":
            return None, "this person is banned from the conversation"
    return None, None


async def _open_room(account: MatrixAccount, me: str, person: str) -> str:
    """Invite a person to a direct room, and list it as such before anything is written there.

    Raises:
        Rejected: They, or their server, take no invitation.
        Ambiguous: They were perhaps invited.
    """
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [person]}
    try:
        answer = await account.post_once("/createRoom", body)
    except HttpRejected as error:
        code = fields_of(error.body).get("errcode") or error.status
        raise Rejected(f"this person takes no invitation ({code})") from error
    room = text_in(answer, "room_id")
    if room is None:
        raise Ambiguous("perhaps invited: the homeserver answered without naming the room")
    try:
        await _note_room(account, me, person, room)
    except (Transient, Unauthorized) as error:
        raise Ambiguous(f"invited, but the room could not be noted: {error}") from error
    return room


async def _note_room(account: MatrixAccount, me: str, person: str, room: str) -> None:
    """List a room as the direct one with somebody: who is not listed would be invited again."""
    for _ in range(NOTING_TRIES):
        # Read and written whole: another process of this account may write it at the same time.
        listed = await account.direct_rooms(me)
        if room in listed.get(person, []):
            break
        listed[person] = [*listed.get(person, []), room]
        await account.put(f"{user_path(me)}/account_data/m.direct", listed)


async def _found_in(
    account: MatrixAccount, me: str, room: str, message: Outgoing, since: datetime
) -> Receipt | None:
    """Look for a message in a room, from the latest on back to when it was written."""
    wanted = {"types": ["m.room.message"], "senders": [me]}
    params: dict[str, str | int] = {"dir": "b", "limit": PAGE, "filter": json.dumps(wanted)}
    for _ in range(MAX_PAGES):
        try:
            page = await account.get(f"{room_path(room)}/messages", params)
        except HttpRejected as error:
            if error.status in (403, 404):
                return None
            raise
        events = [fields_of(event) for event in items_of(page.get("chunk"))]
        named = [
            e for e in events if fields_of(e.get("unsigned")).get("transaction_id") == message.key
        ]
        shown = [(_text(e), receipt) for e in events if (receipt := _receipt(e)) is not None]
        found = _receipt(named[0]) if named else find_receipt(shown, message.text, since)
        end = text_in(page, "end")
        if found is not None or end is None or not events:
            return found
        if any(receipt.sent_at < since - SKEW for _, receipt in shown):
            return None
        params["from"] = end
    raise CannotTell(f"the account has written more than {MAX_PAGES * PAGE} messages there since")


def _text(event: Mapping[str, Any]) -> str:
    return text_in(fields_of(event.get("content")), "body") or ""


def _receipt(event: Mapping[str, Any]) -> Receipt | None:
    event_id, at = text_in(event, "event_id"), moment_of(event)
    return Receipt(event_id, at) if event_id and at else None


def moment_of(event: Mapping[str, Any]) -> datetime | None:
    """Return when an event happened, by its homeserver's clock; None if it does not say."""
    found = event.get("origin_server_ts")
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 2**45:
        return None
    return datetime.fromtimestamp(found / 1000, UTC)
