"""Where the demo is shown: headings, facts, and a line that follows a job while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from rich.console import Console, RenderableType
from rich.status import Status

from omni.base.clock import utc_now
from omni.base.errors import Fatal
from omni.cli.render import plain, table
from omni.client.client import OmniClient
from omni.client.models import JobOut

JOB_S = 180.0
_SETTLE_S = 60.0
_SOON = timedelta(seconds=5)


class Stage:
    """Writes for people; on something other than a terminal, without movement or colour."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """Write a line of the supervisor's."""
        self._console.print(f"  {line}", markup=False, highlight=False, style="dim")

    def heading(self, text: str) -> None:
        """Begin a step."""
        self._console.print(f"\n{text}", markup=False, highlight=False, style="bold")

    def fact(self, text: str) -> None:
        """Write what a step has shown."""
        self._console.print(f"   ✓ {plain(text)}", markup=False, highlight=False)

    def note(self, text: str) -> None:
        """Write a remark; its lines stay as they are."""
        for line in text.splitlines():
            self._console.print(f"     {plain(line)}", markup=False, highlight=False, style="dim")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table."""
        self.show(table(columns, rows))

    def show(self, what: RenderableType) -> None:
        """Write something drawn."""
        self._console.print(what)

    async def watch(self, client: OmniClient, job_id: UUID, what: str) -> JobOut:
        """Follow a job to its end, and return it.

        Raises:
            Fatal: It failed; the message has its error.
        """
        with self._console.status(f"   {what} …") as status:
            job = await client.wait_for_job(
                job_id, timeout=JOB_S, on_progress=lambda job: _show(status, what, job)
            )
        if job.state != "succeeded":
            raise Fatal(f"{job.kind} {job.state}: {job.error or 'no error given'}")
        return job

    async def settle(self, client: OmniClient, kinds: str, what: str) -> None:
        """Wait until no job whose kind begins with `kinds` is due or running.

        Raises:
            Fatal: That takes more than a minute.
        """
        with self._console.status(f"   {what} …"):
            try:
                async with asyncio.timeout(_SETTLE_S):
                    while True:
                        if not await _open_jobs(client, kinds):
                            return
                        await asyncio.sleep(0.1)
            except TimeoutError:
                raise Fatal(f"jobs {kinds}* did not end: see `omni jobs`") from None


async def _open_jobs(client: OmniClient, kinds: str) -> bool:
    soon = utc_now() + _SOON
    for state in ("queued", "running"):
        page = await client.list_jobs(state=state, limit=200)
        if any(job.kind.startswith(kinds) and job.run_at <= soon for job in page.items):
            return True
    return False


def _show(status: Status, what: str, job: JobOut) -> None:
    progress = job.progress or {}
    done, total, note = progress.get("done"), progress.get("total"), progress.get("note") or ""
    count = "" if done is None else f"{done} of {total} " if total else f"{done} "
    status.update(plain(f"   {what} … {count}{note}"))
