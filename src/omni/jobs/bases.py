"""What every kind of job has."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

QueueName = Literal["crawl", "qualify", "dispatch"]


class JobArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of one kind of job; the class says on which queue and how long it may run."""

    kind: ClassVar[str] = ""
    queue: ClassVar[QueueName] = "qualify"
    max_attempts: ClassVar[int] = 5
    timeout_s: ClassVar[float] = 900.0
