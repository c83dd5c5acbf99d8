"""What came back of messages tells how the account that sent them does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from omni.dispatch import accounts_store
from omni.feedback.types import RecordedEvent
from omni.storage.db import Tx


async def note_answers(tx: Tx, events: Iterable[RecordedEvent], now: datetime) -> None:
    """Note new events on the messages that they answer, and pause an account that does harm.

    Call it in the transaction that records them.
    """
    for event in events:
        await accounts_store.note_answer(
            tx,
            platform=event.platform,
            platform_id=event.platform_id,
            kind=event.kind,
            at=event.occurred_at,
            now=now,
        )
