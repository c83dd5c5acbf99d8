"""Reads an account's inbox: network only. What it finds is written by the caller's transaction."""

from __future__ import annotations

from omni.base.clock import Clock, utc_now
from omni.base.errors import Transient
from omni.base.log import get_logger
from omni.connectors.ports import Inbox
from omni.connectors.types import Credentials, InboxEvent
from omni.dispatch.types import Account
from omni.feedback import plan, store
from omni.storage.db import Executor

MAX_PAGES = 20
MAX_EVENTS = 2_000


async def read_inbox(
    db: Executor,
    inbox: Inbox,
    account: Account,
    credentials: Credentials,
    *,
    clock: Clock = utc_now,
) -> tuple[list[InboxEvent], str | None]:
    """Return the events since the last recorded reading, classed, and the cursor to record.

    Of what is older than the account is with us the words are not kept.

    What is beyond the bounds is left to the next reading. Nothing is written: if the caller fails
    before it records, the same events come again.

    Raises:
        Transient: The platform did not answer well, and not one page could be read.
    """
    cursor = await store.get_cursor(db, account.id)
    events: list[InboxEvent] = []
    for page_number in range(MAX_PAGES):
        try:
            page = await inbox.poll(credentials, cursor)
        except Transient as error:
            if page_number == 0:
                raise
            get_logger().warning(
                "feedback.reading_stopped", account_id=account.id, error=str(error)
            )
            break
        events += [
            plan.without_private(plan.read(event, clock()), account.created_at)
            for event in page.events
        ]
        cursor = page.cursor if page.cursor is not None else cursor
        if not page.more or len(events) >= MAX_EVENTS:
            break
    get_logger().info("feedback.inbox_read", account_id=account.id, events=len(events))
    return events, cursor
