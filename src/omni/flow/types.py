"""What a step is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from omni.jobs.types import JobArgs, NewJob, Progress


@dataclass(frozen=True, slots=True)
class JobContext:
    """The job that a step runs for.

    Attributes:
        attempt: 1 for the first run.
        report: Call it as often as you like; the ledger is told about once a second.
    """

    id: UUID
    campaign_id: int | None
    attempt: int
    report: Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a job ended well.

    Attributes:
        result: Shown by `GET /jobs/{id}`; plain JSON values.
        follow_ups: Written to the ledger in the transaction that ends the job.
    """

    result: dict[str, Any] = field(default_factory=dict[str, Any])
    follow_ups: tuple[NewJob, ...] = ()


Step = Callable[[JobContext, JobArgs], Awaitable[StepResult]]
"""May raise the errors of `omni.base.errors`; the worker turns them into outcomes."""

Steps = Mapping[str, Step]
"""A step for each kind of job."""
