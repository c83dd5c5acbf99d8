"""Models of the hosts that Omni asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from omni.connectors.types import HostState
from omni.hosts.types import HostSeen


class HostOut(BaseModel):
    """How one host, or one proxy, does, as one process sees it since it began."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(description="With its port.")
    process: str = Field(description="Part, machine and number of the process.")
    state: HostState = Field(
        description="`slowed`: gets fewer requests than it could. `paused`: asked to be left alone."
        " `open`: failed so often that it rests. `half_open`: is about to be tried again."
    )
    requests: int
    limited: int = Field(description="Answers with status 429.")
    bytes_in: int = Field(description="Bytes of bodies, unpacked.")
    errors: dict[str, int] = Field(description="Failures by kind.")
    p50_ms: float | None = Field(description="Median time of the last answers.")
    p95_ms: float | None
    in_flight: int
    waiting: int = Field(description="Requests that wait for a place.")
    concurrency: int = Field(description="The most requests at a time, at present.")
    rate_limit: float | None = Field(description="The most requests a second; null: no limit.")
    rate: float = Field(description="Good answers a second, lately.")
    next_try_at: datetime | None = Field(description="When it may be asked again; null: now.")
    is_proxy: bool = Field(
        description="A proxy: its requests are counted at their hosts too; bytes and times are not"
        " known of it."
    )
    reported_at: datetime

    @classmethod
    def of(cls, seen: HostSeen) -> Self:
        """Return the model of what a process told."""
        metrics = seen.metrics
        wait = timedelta(seconds=metrics.next_try_s)
        return cls(
            host=metrics.host,
            process=seen.process,
            state=metrics.state,
            requests=metrics.requests,
            limited=metrics.limited,
            bytes_in=metrics.bytes_in,
            errors=metrics.errors,
            p50_ms=metrics.p50_ms,
            p95_ms=metrics.p95_ms,
            in_flight=metrics.in_flight,
            waiting=metrics.waiting,
            concurrency=metrics.concurrency,
            rate_limit=metrics.rate_limit,
            rate=metrics.rate,
            next_try_at=seen.reported_at + wait if wait else None,
            is_proxy=metrics.is_proxy,
            reported_at=seen.reported_at,
        )
