"""In which order hosts are shown."""

from __future__ import annotations

from collections.abc import Iterable

from omni.hosts.types import HostSeen

_TROUBLE = ("open", "half_open", "paused", "slowed", "ok")


def worst_first(seen: Iterable[HostSeen], limit: int) -> list[HostSeen]:
    """Return the hosts in trouble first, then the most asked; at most `limit`."""

    def rank(host: HostSeen) -> tuple[int, int, str, str]:
        metrics = host.metrics
        return (_TROUBLE.index(metrics.state), -metrics.requests, metrics.host, host.process)

    return sorted(seen, key=rank)[:limit]
