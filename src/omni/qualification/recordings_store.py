"""Keeps what judges were asked and answered: content-addressed, compressed, for a while."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec

from omni.base.clock import Clock
from omni.base.hashing import digest_bytes
from omni.llm.ports import Answer, Caller, Meter, Prompt, recording_key
from omni.qualification.recordings import (
    About,
    AnsweredParts,
    AskedParts,
    Recording,
    pack,
    read_recording,
    unpack_answered,
)
from omni.qualification.replaying import StoredVerdict
from omni.storage.db import Database, Executor
from omni.storage.sql import load_queries

QUERIES = load_queries("omni.qualification", "recordings")

MOST_OF_ONE = 50
"""The most recordings that are read of one person at a time."""
MAX_KEPT = 200_000
"""The most characters of an answer that are kept: no reader takes one of that length."""


class Recorder:
    """A `Meter` that keeps each answer with its request, and counts with the one inside of it.

    Args:
        inner: Is told of every call, as if it stood alone.
        db: Where recordings are kept.
        about: Whom the calls are about.
        clock: Dates the recordings.
    """

    def __init__(self, inner: Meter, db: Database, about: About, clock: Clock) -> None:
        self._inner = inner
        self._db = db
        self._about = about
        self._clock = clock

    async def before(self, model: str, prompt: Prompt) -> object:
        """Let the meter inside decide; raises what that raises."""
        return await self._inner.before(model, prompt), model, prompt

    async def after(self, ticket: object, outcome: Answer | BaseException) -> None:
        """Count the call, then keep its answer; a call without one leaves nothing to keep."""
        assert isinstance(ticket, tuple)
        inner, model, prompt = ticket  # pyright: ignore[reportUnknownVariableType]
        await self._inner.after(inner, outcome)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(outcome, Answer) and isinstance(prompt, Prompt):
            await keep(self._db, self._about, str(model), prompt, outcome, now=self._clock())  # pyright: ignore[reportUnknownArgumentType]


async def keep(
    db: Database, about: About, model: str, prompt: Prompt, answer: Answer, *, now: datetime
) -> bool:
    """Keep an answer with its request; return False where the person was erased meanwhile.

    The prompt's static part is there already after a campaign's first call: it is written only
    where the recording does not find it.
    """
    system = prompt.system.encode("utf-8", "surrogatepass")
    system_hash = digest_bytes(system)
    text = answer.text[:MAX_KEPT]
    kept = AnsweredParts(
        text, answer.complete and text == answer.text, answer.latency_ms,
        answer.prompt_tokens, answer.answer_tokens, answer.refused,
    )  # fmt: skip
    values: dict[str, Any] = {
        **asdict(about),
        "key": recording_key(model, prompt),
        "answer_hash": digest_bytes(text.encode("utf-8", "surrogatepass")),
        "model": model,
        "system_hash": system_hash,
        "asked": pack(msgspec.to_builtins(_asked(prompt))),
        "answered": pack(msgspec.to_builtins(kept)),
        "now": now,
    }
    if await db.execute(QUERIES["put_recording"], **values):
        return True
    for _ in range(2):  # the text may be collected between the two statements, once
        await db.execute(QUERIES["put_text"], hash=system_hash, body=pack(prompt.system))
        if await db.execute(QUERIES["put_recording"], **values):
            return True
    return False


class KeptRecordings:
    """The answers that were kept, for `omni.llm.replay.ReplayJudge`.

    Args:
        db: Where they are.
        since: Only those that were given then or later; None: all.
    """

    def __init__(self, db: Executor, *, since: datetime | None = None) -> None:
        self._db = db
        self._since = since

    async def find(self, key: str) -> Answer | None:
        """Return the newest answer under a `recording_key`, None if there is none."""
        data = await self._db.fetchval(QUERIES["find_answer"], key=key, since=self._since)
        if data is None:
            return None
        parts = unpack_answered(data)
        return Answer(
            parts.text, parts.complete, parts.latency_ms, parts.prompt_tokens,
            parts.answer_tokens, parts.refused,
        )  # fmt: skip


class Remembering:
    """A way to a judge that asks nothing twice: what was answered since a moment is told again.

    A job that was broken off begins anew with it, and pays only for what is missing.
    """

    def __init__(self, inner: Caller, db: Executor, since: datetime) -> None:
        self._inner = inner
        self._kept = KeptRecordings(db, since=since)

    @property
    def model(self) -> str:
        """Who answers."""
        return self._inner.model

    @property
    def concurrency(self) -> int:
        """The most calls at a time."""
        return self._inner.concurrency

    async def ask(self, prompt: Prompt, meter: Meter) -> Answer:
        """Tell what was answered, or ask; raises as the judge does."""
        known = await self._kept.find(recording_key(self.model, prompt))
        return known or await self._inner.ask(prompt, meter)


async def list_of_verdict(db: Executor, about: About, model: str) -> list[Recording]:
    """Return what was asked and answered for one verdict, the oldest first."""
    rows = await db.fetch(
        QUERIES["list_of_verdict"], **asdict(about), model=model, limit=MOST_OF_ONE
    )
    return [read_recording(row) for row in rows]


async def list_of_stored(db: Executor, campaign_id: int, stored: StoredVerdict) -> list[Recording]:
    """Return what a stored verdict came from, the oldest first."""
    about = About(
        campaign_id, stored.profile_id, stored.profile_hash, stored.criteria_hash,
        stored.prompt_version,
    )  # fmt: skip
    return await list_of_verdict(db, about, stored.model)


async def list_of_person(db: Executor, campaign_id: int, profile_id: int) -> list[Recording]:
    """Return what was asked and answered about a person in a campaign, the newest first."""
    rows = await db.fetch(
        QUERIES["list_of_person"], campaign_id=campaign_id, profile_id=profile_id, limit=MOST_OF_ONE
    )
    return [read_recording(row) for row in rows]


async def delete_old(db: Executor, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` recordings that were last made before a moment; return how many.

    What no recording shares any more goes too, once there are no old ones left.
    """
    deleted = await db.execute(QUERIES["delete_old"], before=before, limit=limit)
    if 0 < deleted < limit:
        await db.execute(QUERIES["delete_unused_texts"])
    return deleted


def _asked(prompt: Prompt) -> AskedParts:
    return AskedParts(
        user=prompt.user,
        schema=prompt.schema,
        turns=[(turn.role, turn.text) for turn in prompt.turns],
        images=[(image.content_type, digest_bytes(image.data)) for image in prompt.images],
        profile=dict(prompt.facts.get("profile") or {}),
    )
