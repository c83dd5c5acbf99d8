"""Reads what the synthetic network's people answered."""

from __future__ import annotations

from typing import cast

from omni.connectors.synthetic.sender import account_faults, authorization
from omni.connectors.synthetic.wire import PLATFORM, Http, InboxJson, read
from omni.connectors.types import Credentials, EventKind, InboxEvent, InboxPage

_KINDS = frozenset({"delivered", "replied"})


class SyntheticInbox:
    """`Inbox` of the synthetic network: receipts and replies; what a reply means is read later."""

    platform = PLATFORM

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base = base_url.rstrip("/")

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        """Return the events after `cursor`, oldest first.

        Raises:
            Rejected: The cursor is none of this network's.
            Unauthorized: The network does not accept the account.
            Transient: The network did not answer well.
        """
        asked = {"limit": "100"} | ({} if cursor is None else {"cursor": cursor})
        with account_faults():
            answer = await self._http.get_json(
                f"{self._base}/inbox", params=asked, headers=authorization(owner)
            )
        page = read(answer, InboxJson)
        events = tuple(
            InboxEvent(
                event_id=f"{event.message}:{event.kind}",
                kind=cast("EventKind", event.kind),
                platform_id=event.person,
                text=event.body,
                occurred_at=event.occurred_at,
                in_reply_to=event.message,
            )
            for event in page.events
            if event.kind in _KINDS
        )
        return InboxPage(events, page.cursor, page.more)
