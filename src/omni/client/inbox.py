"""Calls about the inbox: conversations, what replies mean, answers."""

from __future__ import annotations

from omni.api.schemas import MessageOut, Page
from omni.api.schemas.inbox import (
    ConversationOut,
    EventOut,
    ReplyClass,
    ThreadOut,
    UnreadOut,
    WebhookSourceOut,
)
from omni.client.calls import Calls, given


class InboxCalls(Calls):
    """Conversations, classes, answers."""

    async def list_threads(
        self,
        *,
        kind: str | None = None,
        unread: bool = False,
        campaign_id: int | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ThreadOut]:
        """Return a page of conversations, the last that moved first."""
        query = {
            "kind": kind,
            "unread": unread,
            "campaign_id": campaign_id,
            "limit": limit,
            "cursor": cursor,
        }
        return await self._get(Page[ThreadOut], "/threads", query)

    async def unread_threads(self) -> int:
        """Return how many conversations nobody has looked at since they moved, up to 1,000."""
        return (await self._get(UnreadOut, "/threads/unread")).unread

    async def get_thread(self, thread_id: int) -> ConversationOut:
        """Return a conversation in full."""
        return await self._get(ConversationOut, f"/threads/{thread_id}")

    async def mark_thread_read(self, thread_id: int) -> ThreadOut:
        """Note that a conversation was looked at."""
        return await self._send(ThreadOut, "POST", f"/threads/{thread_id}/read")

    async def write_reply(
        self, thread_id: int, body: str, *, idempotency_key: str | None = None
    ) -> MessageOut:
        """Write an answer; it waits for approval."""
        path = f"/threads/{thread_id}/replies"
        return await self._send(MessageOut, "POST", path, {"body": body}, idempotency_key)

    async def set_class(
        self, event_id: int, kind: ReplyClass, *, note: str | None = None
    ) -> EventOut:
        """Say what a reply means, with all that follows."""
        body = given(kind=kind, note=note)
        return await self._send(EventOut, "POST", f"/feedback/{event_id}/class", body)

    async def webhook_sources(self) -> list[WebhookSourceOut]:
        """Return who may hand in events."""
        return (await self._get(Page[WebhookSourceOut], "/webhook-sources")).items
