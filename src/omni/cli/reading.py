"""`omni campaigns`, `leads`, `jobs`, `platforms`: what the API knows, as tables or as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from omni.cli.faults import read_settings
from omni.cli.render import as_table, cut, moment, print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient
    from omni.client.models import CampaignOut, JobOut, LeadOut, StatusOut

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="The most rows.")]
Told = TypeVar("Told")


def add_commands(app: typer.Typer) -> None:
    """Add the commands that read."""
    app.command("campaigns", help="List the campaigns, or show one with its funnel.")(campaigns)
    app.command("jobs", help="List the jobs, newest first, or show one.")(jobs)
    app.command("platforms", help="List where a crawl can begin.")(platforms)


def campaigns(
    campaign: Annotated[int | None, typer.Argument(help="Show this one.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the campaigns, or show one."""
    if campaign is not None:
        _show_campaign(campaign, as_json=as_json)
        return
    items = ask_api(lambda client: client.list_campaigns(limit=limit)).items
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
        return
    as_table(
        ("id", "name", "status", "criteria"),
        [(str(item.id), item.name, item.status, item.english) for item in items],
        empty="No campaigns yet: make one with POST /campaigns, in the web UI, or by `omni demo`.",
    )


def _show_campaign(campaign_id: int, *, as_json: bool) -> None:
    async def ask(client: OmniClient) -> tuple[CampaignOut, StatusOut]:
        return await client.get_campaign(campaign_id), await client.campaign_status(campaign_id)

    campaign, status = ask_api(ask)
    if as_json:
        both = campaign.model_dump(mode="json") | status.model_dump(mode="json")
        print_json(both)
        return
    write(f"{campaign.name} ({campaign.status})", style="bold")
    write(campaign.english)
    as_table(
        ("stage", "people"),
        [(stage, str(count)) for stage, count in status.funnel.model_dump().items()],
        empty="",
    )
    for title, counts in (("messages", status.messages), ("open jobs", status.open_jobs)):
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        write(f"{title}: {told or 'none'}")


def leads(
    campaign: Annotated[int, typer.Argument(help="The campaign's id.")],
    state: Annotated[
        str | None,
        typer.Option(help="new, accepted, rejected, contacted, replied, or withdrawn."),
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List a campaign's leads."""
    items = ask_api(lambda client: client.leads(campaign, state=state, limit=limit)).items
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
        return
    as_table(LEAD_COLUMNS, [lead_row(lead, 3) for lead in items], empty="No leads here (yet).")


def platforms(as_json: Json = False) -> None:
    """List the platforms with their seed types."""
    items = ask_api(lambda client: client.platforms())
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
        return
    as_table(
        ("platform", "seed type", "leads to", "example"),
        [
            (item.platform, seed.name, seed.about, seed.example)
            for item in items
            for seed in item.seeds
        ],
        empty="No platform can be read.",
    )


LEAD_COLUMNS = ("score", "who", "state", "why")


def lead_row(lead: LeadOut, reasons: int) -> tuple[str, ...]:
    """Return a lead's cells for `LEAD_COLUMNS`, with so many of its reasons."""
    why = "; ".join(
        f"{reason.criterion}: “{cut(reason.evidence, 60)}”" for reason in lead.reasons[:reasons]
    )
    return (f"{lead.score:.2f}", f"@{lead.username}", lead.state, why)


def jobs(
    job: Annotated[str | None, typer.Argument(help="Show this one.")] = None,
    campaign: Annotated[int | None, typer.Option(help="Of this campaign.")] = None,
    state: Annotated[
        str | None, typer.Option(help="queued, running, succeeded, failed, or cancelled.")
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List the jobs, or show one."""
    if job is not None:
        found = ask_api(lambda client: client.get_job(job))
        print_json(found.model_dump(mode="json"))
        return
    list_jobs: Callable[[OmniClient], Awaitable[Any]] = lambda client: client.list_jobs(  # noqa: E731
        campaign_id=campaign, state=state, limit=limit
    )
    items: list[JobOut] = ask_api(list_jobs).items
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
        return
    as_table(
        ("id", "kind", "state", "attempts", "created", "what"),
        [
            (
                str(item.id),
                item.kind,
                item.state,
                f"{item.attempts}/{item.max_attempts}",
                moment(item.created_at),
                describe_job(item),
            )
            for item in items
        ],
        empty="No jobs here.",
    )


def describe_job(job: JobOut) -> str:
    """Say in a line how far a job is, or what came of it."""
    if job.error:
        return job.error[:120]
    if job.state == "running" and job.progress:
        done, total = job.progress.get("done"), job.progress.get("total")
        return f"{done}{f' of {total}' if total else ''} {job.progress.get('note', '')}"
    flat = {name: value for name, value in (job.result or {}).items() if isinstance(value, int)}
    return ", ".join(f"{value} {name}" for name, value in flat.items())


def ask_api(question: Callable[[OmniClient], Awaitable[Told]]) -> Told:
    """Ask the API, and return what it says."""
    from omni.client.client import OmniClient

    settings = read_settings()
    key = settings.api_key.get_secret_value() if settings.api_key else None

    async def run() -> Told:
        async with OmniClient(settings.api_url, api_key=key) as client:
            return await question(client)

    return asyncio.run(run())
