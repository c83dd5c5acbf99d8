"""How hosts do, as processes report it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from omni.connectors.types import HostMetrics


@dataclass(frozen=True, slots=True)
class HostSeen:
    """One host, as one process saw it.

    Attributes:
        process: Its part, machine and number, such as `crawler@box:4711`.
        reported_at: When it told so.
    """

    process: str
    reported_at: datetime
    metrics: HostMetrics
