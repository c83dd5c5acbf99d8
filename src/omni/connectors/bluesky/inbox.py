"""Reads what people wrote to a sending account, from the log of its conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from omni.base.errors import Rejected
from omni.connectors.bluesky.chat import ChatAccounts
from omni.connectors.bluesky.mapping import PLATFORM
from omni.connectors.types import Credentials, InboxEvent, InboxPage
from omni.connectors.values import fields_of, items_of, moment_in, text_in

BEGINNING: Final = "2222222222222"
"""The least of all TIDs, by which the log is ordered: without a cursor it begins at its end."""

MAX_CURSOR = 200


class BlueskyInbox:
    """`Inbox` by `chat.bsky.convo.getLog`."""

    platform = PLATFORM

    def __init__(self, accounts: ChatAccounts) -> None:
        self._accounts = accounts

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        """Return the messages of others after `cursor`, oldest first.

        Raises:
            Rejected: The cursor is none of the log's.
            Unauthorized: The account is not accepted.
            Transient: Its server did not answer well.
        """
        if cursor is not None and not 0 < len(cursor) <= MAX_CURSOR:
            raise Rejected("not a cursor of a log", field="cursor")
        account = self._accounts.account(owner)
        me = text_in(await account.whoami(), "did")
        after = cursor or BEGINNING
        page = await account.chat("getLog", {"cursor": after})
        logs = [fields_of(each) for each in items_of(page.get("logs"))]
        events = tuple(event for each in logs if (event := _event(each, me)) is not None)
        last = text_in(page, "cursor") or after
        return InboxPage(events, last, bool(logs) and last != after)


def _event(log: Mapping[str, Any], me: str | None) -> InboxEvent | None:
    """Return the message that a line of the log tells of; None if it is ours, or none."""
    if not str(log.get("$type") or "").endswith("#logCreateMessage"):
        return None
    message = fields_of(log.get("message"))
    who = text_in(fields_of(message.get("sender")), "did")
    message_id, at = text_in(message, "id"), moment_in(message, "sentAt")
    if who is None or who == me or message_id is None or at is None:
        return None
    return InboxEvent(
        event_id=f"message:{message_id}",
        kind="replied",
        platform_id=who,
        text=text_in(message, "text"),
        occurred_at=at,
    )
