"""Writes direct messages through the chat service; it has no idempotency, so threads are read back.

Lexicons: https://github.com/bluesky-social/atproto/tree/main/lexicons/chat/bsky/convo
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omni.base.errors import Ambiguous, CannotTell, Rejected, Unauthorized
from omni.connectors.bluesky.chat import ChatAccount, ChatAccounts
from omni.connectors.bluesky.mapping import PLATFORM, hides
from omni.connectors.bluesky.names import is_did
from omni.connectors.http import HttpRejected
from omni.connectors.readback import SKEW, find_receipt
from omni.connectors.types import Credentials, Identity, Outgoing, Receipt
from omni.connectors.values import fields_of, items_of, moment_in, text_in

PAGE = 100
MAX_PAGES = 10

_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
_REASONS = {
    "AccountSuspended": "an account of the conversation is suspended",
    "BlockedActor": "this person has blocked the account, or is blocked by it",
    "MessagesDisabled": "this person does not accept messages",
    "NotFollowedBySender": "this person accepts messages only of people whom they follow",
    "RecipientNotFound": "this person is gone",
    "ConvoLocked": "the conversation is locked",
    "InvalidConvo": "the conversation cannot be written to",
}


class BlueskySender:
    """`MessageSender` by the chat service."""

    platform = PLATFORM

    def __init__(self, accounts: ChatAccounts) -> None:
        self._accounts = accounts

    async def verify(self, sender: Credentials) -> Identity:
        """Return who the account is, once it has been seen that it may use direct messages.

        Raises:
            Unauthorized: The account is not accepted, or its app password lacks the privilege.
            Transient: Its server did not answer well.
        """
        account = self._accounts.account(sender)
        session = await account.whoami()
        did, handle = text_in(session, "did"), text_in(session, "handle")
        if did is None or handle is None:
            raise Unauthorized("the account's server does not say who it is")
        await account.chat("listConvos", {"limit": 1})
        return Identity(did, handle)

    async def refusal(self, sender: Credentials, platform_id: str) -> str | None:
        """Return why this person may not be written to; see `MessageSender.refusal`."""
        account = self._accounts.account(sender)
        if not is_did(platform_id):
            return "this is no DID"
        try:
            person = await account.profile(platform_id)
            reason = _reason_in(person)
            if reason:
                return reason
            found = await account.chat("getConvoAvailability", {"members": [platform_id]})
        except HttpRejected as error:
            return _REASONS.get(error.code or "", f"this person is gone, or refuses: {error}")
        if found.get("canChat") is True:
            return None
        return "this person does not accept messages of the account"

    async def send(self, sender: Credentials, message: Outgoing) -> Receipt:
        """Write into the conversation with this person; see `MessageSender.send`."""
        account = self._accounts.account(sender)
        convo = await _conversation(account, message.platform_id)
        said = {"text": message.text, "facets": facets_of(message.text)}
        try:
            answer = await account.chat_once("sendMessage", {"convoId": convo, "message": said})
        except HttpRejected as error:
            raise _refused(error) from error
        receipt = _receipt(fields_of(answer))
        if receipt is None:
            raise Ambiguous("perhaps taken: the chat service answered without naming the message")
        return receipt

    async def find_sent(
        self, sender: Credentials, message: Outgoing, since: datetime
    ) -> Receipt | None:
        """Read the conversation back; see `MessageSender.find_sent`."""
        account = self._accounts.account(sender)
        me = text_in(await account.whoami(), "did")
        try:
            found = await account.chat("getConvoAvailability", {"members": [message.platform_id]})
        except HttpRejected as error:
            raise CannotTell(f"the conversation cannot be seen any more: {error}") from error
        convo = text_in(fields_of(found.get("convo")), "id")
        if convo is None:
            if found.get("canChat") is True:
                return None
            raise CannotTell("the conversation cannot be seen any more")
        return await _found_in(account, me, convo, message.text, since)


async def _conversation(account: ChatAccount, did: str) -> str:
    """Return the conversation with somebody; it is made where there is none, which says nothing."""
    if not is_did(did):
        raise Rejected("this is no DID")
    try:
        found = await account.chat("getConvoForMembers", {"members": [did]})
    except HttpRejected as error:
        raise _refused(error) from error
    convo = text_in(fields_of(found.get("convo")), "id")
    if convo is None:
        raise Rejected("the chat service names no conversation with this person")
    return convo


async def _found_in(
    account: ChatAccount, me: str | None, convo: str, text: str, since: datetime
) -> Receipt | None:
    """Look for a message of ours in a conversation, from the latest one on back."""
    params: dict[str, str | int] = {"convoId": convo, "limit": PAGE}
    for _ in range(MAX_PAGES):
        page = await account.chat("getMessages", params)
        messages = [fields_of(each) for each in items_of(page.get("messages"))]
        receipts = [(each, receipt) for each in messages if (receipt := _receipt(each))]
        own = (
            (text_in(each, "text") or "", receipt)
            for each, receipt in receipts
            if text_in(fields_of(each.get("sender")), "did") == me
        )
        found = find_receipt(own, text, since)
        cursor = text_in(page, "cursor")
        if found is not None or cursor is None or not messages:
            return found
        if any(receipt.sent_at < since - SKEW for _, receipt in receipts):
            return None
        params["cursor"] = cursor
    raise CannotTell(f"more than {MAX_PAGES * PAGE} messages were written there since")


def _reason_in(profile: Mapping[str, Any]) -> str | None:
    """Return why somebody may not be written to, as their profile shows it to the account."""
    viewer = fields_of(profile.get("viewer"))
    chat = fields_of(fields_of(profile.get("associated")).get("chat"))
    if viewer.get("blockedBy") is True:
        return "this person has blocked the account"
    if viewer.get("blocking") or viewer.get("blockingByList"):
        return "the account has blocked this person"
    if hides(profile):
        return "this person does not want to be found, or is hidden by moderators"
    if chat.get("allowIncoming") == "none":
        return "this person does not accept messages"
    return None


def facets_of(text: str) -> list[dict[str, Any]]:
    """Return the links of a text as `app.bsky.richtext.facet`, which counts bytes of UTF-8."""
    return [
        {
            "index": {
                "byteStart": len(text[: found.start()].encode()),
                "byteEnd": len(text[: found.end()].encode()),
            },
            "features": [{"$type": "app.bsky.richtext.facet#link", "uri": found[0]}],
        }
        for found in _LINK.finditer(text)
    ]


def _refused(error: HttpRejected) -> Rejected:
    return Rejected(_REASONS.get(error.code or "", f"Bluesky refuses: {error.reason or error}"))


def _receipt(message: Mapping[str, Any]) -> Receipt | None:
    found, at = text_in(message, "id"), moment_in(message, "sentAt")
    return Receipt(found, at) if found and at else None
