"""Calls about jobs, and what the service offers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal
from uuid import UUID

from omni.api.schemas import (
    CriteriaField,
    Health,
    HostOut,
    JobAccepted,
    JobOut,
    Page,
    PlatformOut,
    PreviewOut,
    Ready,
    TimetableKind,
)
from omni.client.calls import Calls, given

Purpose = Literal["crawl", "send", "people"]
FINISHED = frozenset({"succeeded", "failed", "cancelled"})
_FIRST_POLL_S = 0.1
_LAST_POLL_S = 1.0


class OperationCalls(Calls):
    """Jobs, crawls, platforms, health."""

    async def list_jobs(
        self,
        *,
        campaign_id: int | None = None,
        state: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[JobOut]:
        """Return a page of jobs, newest first."""
        return await self._get(
            Page[JobOut],
            "/jobs",
            {"campaign_id": campaign_id, "state": state, "limit": limit, "cursor": cursor},
        )

    async def get_job(self, job_id: UUID | str) -> JobOut:
        """Return a job."""
        return await self._get(JobOut, f"/jobs/{job_id}")

    async def run_now(
        self,
        kind: TimetableKind,
        *,
        campaign_id: int | None = None,
        idempotency_key: str | None = None,
    ) -> JobAccepted:
        """Run a job of the timetable now; `weights.update` wants the campaign."""
        body = given(kind=kind, campaign_id=campaign_id)
        return await self._send(JobAccepted, "POST", "/jobs", body, idempotency_key)

    async def cancel_job(self, job_id: UUID | str, *, idempotency_key: str | None = None) -> JobOut:
        """Ask a job to stop."""
        return await self._send(JobOut, "POST", f"/jobs/{job_id}/cancel", None, idempotency_key)

    async def wait_for_job(
        self,
        job_id: UUID | str,
        timeout: float = 60.0,  # noqa: ASYNC109 - bounds a loop, not one call
        on_progress: Callable[[JobOut], None] | None = None,
    ) -> JobOut:
        """Return the job once it has ended, well or not: look at its `state`.

        Args:
            job_id: Which job.
            timeout: Seconds.
            on_progress: Called whenever its state or its progress has changed.

        Raises:
            TimeoutError: It has not ended in time.
        """
        wait, seen = _FIRST_POLL_S, None
        async with asyncio.timeout(timeout):
            while True:
                job = await self.get_job(job_id)
                if on_progress is not None and (job.state, job.progress) != seen:
                    on_progress(job)
                if job.state in FINISHED:
                    return job
                seen = job.state, job.progress
                await asyncio.sleep(wait)
                wait = min(wait * 1.5, _LAST_POLL_S)

    async def create_crawl_job(
        self,
        *,
        seed_type: str,
        seed_value: str,
        crawl_config: Mapping[str, int] | None = None,
        platform: str | None = None,
        campaign_id: int | None = None,
        idempotency_key: str | None = None,
    ) -> JobAccepted:
        """Start a crawl (crawler service)."""
        body = given(
            seed_type=seed_type,
            seed_value=seed_value,
            crawl_config=crawl_config,
            platform=platform,
            campaign_id=campaign_id,
        )
        return await self._send(JobAccepted, "POST", "/crawl/jobs", body, idempotency_key)

    async def get_crawl_job(self, job_id: UUID | str) -> JobOut:
        """Return a crawl (crawler service)."""
        return await self._get(JobOut, f"/crawl/jobs/{job_id}")

    async def platforms(self, purpose: Purpose = "crawl") -> list[PlatformOut]:
        """Return the platforms to crawl, to `send` on, or all that `people` can be of."""
        asked = {"purpose": purpose}
        return (await self._get(Page[PlatformOut], "/platforms", asked)).items

    async def hosts(self, *, limit: int = 200) -> list[HostOut]:
        """Return the hosts that are asked, those in trouble first."""
        return (await self._get(Page[HostOut], "/hosts", {"limit": limit})).items

    async def criteria_fields(self) -> list[CriteriaField]:
        """Return the fields that criteria may ask about, with their operators."""
        return (await self._get(Page[CriteriaField], "/criteria/fields")).items

    async def criteria_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of criteria."""
        return json.loads(await self._transport.get("/criteria/schema"))

    async def preview_criteria(
        self,
        criteria: Mapping[str, Any] | None = None,
        *,
        campaign_id: int | None = None,
        brief: str | None = None,
    ) -> PreviewOut:
        """Return what criteria would do; with a campaign, what would change there, and its cost."""
        body = given(criteria=criteria, campaign_id=campaign_id, brief=brief)
        return await self._send(PreviewOut, "POST", "/criteria/preview", body)

    async def health(self) -> Health:
        """Return if the process is alive."""
        return await self._get(Health, "/health", attempts=1)

    async def ready(self) -> Ready:
        """Return if the process can do its work; what is missing comes as a problem."""
        return await self._get(Ready, "/ready", attempts=1)
