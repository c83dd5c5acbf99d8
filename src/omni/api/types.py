"""What the API keeps for itself: keys of callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

Scope = Literal["read", "write", "send", "admin"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "send", "admin")
USUAL: Final[tuple[Scope, ...]] = ("read", "write")
"""What a key has that was given nothing in particular; `send` and `admin` bring it along."""

MEANING: Final[Mapping[Scope, str]] = {
    "read": "asks, and changes nothing",
    "write": "searches, judges, drafts, rejects and suppresses, but sends nothing",
    "send": "approves messages, and loosens what holds them back",
    "admin": "makes keys, and exports or erases people",
}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's key, without the secret, which is never stored.

    Attributes:
        hint: How the secret begins, to know it again; None for a key of an older version.
        scopes: What it may do; each route needs exactly one.
        last_used_at: To the minute; None if it was never used.
        expires_at: From then on it opens nothing; None: it does not run out.
        revoked_at: From then on it opens nothing.
    """

    id: UUID
    name: str
    hint: str | None
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


CellKind = Literal["whole", "number", "text", "yes_or_no", "moment", "reasons"]
"""What is in a column of a file that is given out."""

Rows = Sequence[Mapping[str, Any]]
