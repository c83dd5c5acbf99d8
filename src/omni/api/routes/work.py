"""How a route starts work that takes longer than a request."""

from __future__ import annotations

from datetime import datetime

from omni.api.schemas import JobAccepted
from omni.jobs import store as jobs
from omni.jobs.types import JobArgs, NewJob
from omni.storage.db import Tx


async def accept(tx: Tx, args: JobArgs, *, now: datetime, base_path: str = "/jobs") -> JobAccepted:
    """Write a job to the ledger, in the caller's transaction, and say where to follow it."""
    (job_id,) = await jobs.enqueue(tx, [NewJob(args)], now=now)
    return JobAccepted(
        job_id=job_id,
        kind=args.kind,
        queue=args.queue,
        campaign_id=getattr(args, "campaign_id", None),
        status_url=f"{base_path}/{job_id}",
    )
