"""What the API keeps for itself: keys of callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = ("read", "write")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller's key, without the secret, which is never stored.

    Attributes:
        scopes: `read` for GET, `write` for everything else; one does not include the other.
        last_used_at: To the minute; None if it was never used.
        revoked_at: From then on it opens nothing.
    """

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


CellKind = Literal["whole", "number", "text", "yes_or_no", "moment", "reasons"]
"""What is in a column of a file that is given out."""

Rows = Sequence[Mapping[str, Any]]
