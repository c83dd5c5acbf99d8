"""Judging work that the workers do: started over the API, waited for, and what was recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omni.cli.reading import Json, ask_api
from omni.cli.render import print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient
    from omni.client.models import JobAccepted, JobOut, RecordingOut

HOUR_S = 3_600.0
AsJob = Annotated[bool, typer.Option("--job", help="Let the workers do it, over the API.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="With --job: until it has ended.")]

Start = Callable[["OmniClient"], Awaitable["JobAccepted"]]


def recordings(
    lead: Annotated[int | None, typer.Option(help="Of this lead's verdict.")] = None,
    campaign: Annotated[int | None, typer.Option(help="In this campaign, with --profile.")] = None,
    profile: Annotated[int | None, typer.Option(help="About this person.")] = None,
    as_json: Json = False,
) -> None:
    """Show what was asked and answered for a verdict, or about a person."""
    found = ask_api(_question(lead, campaign, profile))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        write("Nothing is kept of it (any more): see OMNI_RECORDINGS_KEPT_DAYS.")
    for one in found:
        _write_recording(one)


def write_lines(text: str) -> None:
    """Print a text line by line, so that nothing in it can steer the terminal."""
    for line in text.split("\n"):
        write(line)


def run_job(start: Start, *, wait: bool, as_json: bool) -> dict[str, Any] | None:
    """Start a job, follow it, and return its result; None where it is not waited for.

    Raises:
        typer.Exit: With 1, where it did not end well.
    """

    async def ask(client: OmniClient) -> tuple[JobAccepted, JobOut | None]:
        accepted = await start(client)
        if not wait:
            return accepted, None
        return accepted, await client.wait_for_job(accepted.job_id, HOUR_S, _tell)

    accepted, job = ask_api(ask)
    if job is None:
        if as_json:
            print_json(accepted.model_dump(mode="json"))
        else:
            write(f"job {accepted.job_id} is queued: omni jobs {accepted.job_id}")
        return None
    if as_json:
        print_json(job.model_dump(mode="json"))
    if job.state != "succeeded":
        if not as_json:
            write(f"the job has {job.state}: {job.error or 'see omni jobs'}")
        raise typer.Exit(1)
    return job.result or {}


def _tell(job: JobOut) -> None:
    """Say on the error output how a job does: what is printed is for programs too."""
    done = job.progress or {}
    total = f" of {done['total']}" if done.get("total") else ""
    counted = f": {done['done']}{total} {done.get('note') or ''}" if "done" in done else ""
    typer.echo(f"{job.state}{counted}".rstrip(), err=True)


def _question(
    lead: int | None, campaign: int | None, profile: int | None
) -> Callable[[OmniClient], Awaitable[list[RecordingOut]]]:
    if lead is not None and campaign is None and profile is None:
        return lambda client: client.lead_recordings(lead)
    if lead is None and campaign is not None and profile is not None:
        return lambda client: client.recordings(campaign, profile)
    raise typer.BadParameter("name a --lead, or a --campaign with a --profile")


def _write_recording(one: RecordingOut) -> None:
    ended = "" if one.complete else ", cut off"
    declined = ", declined" if one.refused else ""
    write(f"{one.model}, {one.recorded_at:%Y-%m-%d %H:%M} UTC{ended}{declined}", style="bold")
    write_lines(one.user)
    for sha256 in one.images:
        write(f"picture {sha256}")
    for turn in one.turns:
        write("said before:" if turn.role == "assistant" else "was told then:", style="bold")
        write_lines(turn.text)
    write("answered:", style="bold")
    write_lines(one.answer)
