"""Reads what people wrote to a sending account: notifications of mentions.

Whoever answers a direct status mentions its author, so every answer is one. A mention in public is
an answer as well: who asks in public not to be written to must be heard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient
from omni.connectors.mastodon.account import MastodonAccount
from omni.connectors.mastodon.mapping import PLATFORM, id_of, url_of
from omni.connectors.mastodon.markup import plain_text
from omni.connectors.types import Credentials, InboxEvent, InboxPage
from omni.connectors.values import fields_of, items_of, moment_in, text_in

PAGE = 40

_LEADING_MENTIONS = re.compile(r"(?:@[\w.-]+(?:@[\w.:-]+)?\s+)+")


class MastodonInbox:
    """`Inbox` by notifications, oldest first.

    Args:
        http: The way out.
        base_url: As for `MastodonSender`.
    """

    platform = PLATFORM

    def __init__(self, http: HttpClient, base_url: str | None) -> None:
        self._http = http
        self._base = base_url

    async def poll(self, owner: Credentials, cursor: str | None) -> InboxPage:
        """Return the mentions after `cursor`, oldest first.

        Raises:
            Rejected: The cursor is none of these.
            Unauthorized: The server does not take the token.
            Transient: The server did not answer well.
        """
        if cursor is not None and not (cursor.isascii() and cursor.isalnum()):
            raise Rejected("not a cursor of notifications", field="cursor")
        account = MastodonAccount(self._http, self._base, owner)
        body = await account.get(
            "/api/v1/notifications",
            {
                "types[]": ["mention"],
                "min_id": cursor or "0",
                "limit": str(PAGE),
                # Strangers' first words are put aside by default; an answer to us is among them.
                "include_filtered": "true",
            },
        )
        if not isinstance(body, list):
            raise Transient(
                f"{account.home} answered notifications with something else than a list"
            )
        found = items_of(cast("object", body))
        page = [fields_of(each) for each in reversed(found)]  # they come newest first
        events = tuple(event for each in page if (event := _event(each)) is not None)
        last = id_of(page[-1]) if page else None
        return InboxPage(events, last or cursor or "0", len(page) >= PAGE and last != cursor)


def _event(notification: Mapping[str, Any]) -> InboxEvent | None:
    """Return the answer that a notification tells of; None if it lacks what an event needs."""
    status = fields_of(notification.get("status"))
    who = url_of(status.get("account")) or url_of(notification.get("account"))
    status_id, at = id_of(status), moment_in(status, "created_at")
    if who is None or status_id is None or at is None:
        return None
    text = plain_text(text_in(status, "content"))
    return InboxEvent(
        event_id=f"status:{status_id}",
        kind="replied",
        platform_id=who,
        text=_without_mentions(text),
        occurred_at=at,
        in_reply_to=text_in(status, "in_reply_to_id"),
    )


def _without_mentions(text: str) -> str:
    """Return a text without the names that it begins with, which only address it."""
    leading = _LEADING_MENTIONS.match(text)
    return text[leading.end() :] if leading else text
