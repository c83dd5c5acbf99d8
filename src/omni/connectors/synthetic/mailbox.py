"""What the synthetic network remembers: messages, what came back, edits. One SQLite file.

The network is a stand-in for somebody else's server, so its memory is its own and not Omni's
database. Each world (seed and size) keeps its own rows in the file.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from omni.base.ids import new_id
from omni.connectors.synthetic.replies import Reply


@dataclass(frozen=True, slots=True)
class Taken:
    """A message as the network holds it; `calls` is how many requests asked to send it."""

    name: str
    person: str
    body: str
    sent_at: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that came back to an account, at place `seq` of its inbox."""

    seq: int
    kind: str
    person: str
    body: str | None
    message: str
    occurred_at: datetime


class Mailbox:
    """The messages, events and edits of one world; calls take well under a millisecond."""

    def __init__(self, path: Path, world: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._world = world
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.executescript(_statements()["schema"])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def find(self, account: str, key: str) -> Taken | None:
        """Return the message that `account` sent under `key`, counting one more call for it."""
        rows = self._rows("count_call", account=account, key=key)
        return _taken(rows[0]) if rows else None

    def take(
        self,
        account: str,
        person: str,
        body: str,
        *,
        key: str | None,
        now: datetime,
        reply: Reply | None,
        delay: timedelta,
    ) -> Taken:
        """Keep a message together with what will come back: the receipt now, the answer later."""
        coming: list[tuple[str, str | None, datetime]] = [("delivered", None, now)]
        if reply is not None:
            coming.append(("replied", reply.text, now + delay * reply.pace))
        name = f"msg:{new_id().hex}"
        with self._transaction():
            row = self._rows(
                "add_message", account=account, name=name, person=person, body=body, key=key,
                sent_at=now.timestamp(),
            )[0]  # fmt: skip
            for kind, text, due in coming:
                self._rows(
                    "add_event", account=account, kind=kind, person=person, body=text,
                    message=name, due_at=due.timestamp(),
                )  # fmt: skip
        return _taken(row)

    def events(self, account: str, after: int, limit: int, now: datetime) -> list[Event]:
        """Return up to `limit` events behind place `after`.

        An event gets its place when it falls due, so that a reader who asks for what lies behind
        the last place misses nothing.
        """
        with self._transaction():
            last: int = self._rows("last_place", account=account)[0][0]
            due = self._rows("due_events", account=account, now=now.timestamp())
            for place, row in enumerate(due, last + 1):
                self._rows("place_event", seq=place, id=row["id"])
        return [
            Event(r["seq"], r["kind"], r["person"], r["body"], r["message"], _at(r["due_at"]))
            for r in self._rows("told_events", account=account, after=after, limit=limit)
        ]

    def sent(self, account: str, limit: int, person: str | None = None) -> list[Taken]:
        """Return the account's latest messages, newest first; those to `person` alone if given."""
        rows = self._rows("sent_messages", account=account, limit=limit, person=person)
        return [_taken(row) for row in rows]

    def edits(self) -> dict[int, dict[str, Any]]:
        """Return what people have changed about themselves, by number."""
        return {r["person"]: msgspec.json.decode(r["fields"]) for r in self._rows("all_edits")}

    def edit(self, number: int, fields: dict[str, Any]) -> None:
        """Keep what a person has changed; earlier changes of theirs are replaced."""
        self._rows("put_edit", person=number, fields=msgspec.json.encode(fields).decode())

    def _rows(self, query: str, **params: object) -> list[sqlite3.Row]:
        return self._db.execute(_statements()[query], {"world": self._world} | params).fetchall()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


@cache
def _statements() -> dict[str, str]:
    text = (resources.files("omni.connectors.synthetic") / "mailbox.sql").read_text("utf-8")
    _, *parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _taken(row: sqlite3.Row) -> Taken:
    return Taken(row["name"], row["person"], row["body"], _at(row["sent_at"]), row["calls"])


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
