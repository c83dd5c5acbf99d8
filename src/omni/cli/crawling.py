"""`omni crawl` and `omni cancel`: start a crawl for a campaign, follow it, stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from omni.cli.reading import ask_api, describe_job
from omni.cli.render import print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient
    from omni.client.models import JobOut

FOLLOW_S = 7_200.0
"""How long `--follow` waits; the crawl goes on without it."""


def add_commands(app: typer.Typer) -> None:
    """Add the commands that start and stop crawls."""
    app.command("crawl", help="Look for people for a campaign, from a seed.")(crawl)
    app.command("cancel", help="Stop a job.")(cancel)


def crawl(
    campaign: Annotated[int, typer.Argument(help="The campaign's id.")],
    platform: Annotated[str, typer.Argument(help="Such as synthetic; see omni platforms.")],
    seed_type: Annotated[str, typer.Argument(help="Such as search; see omni platforms.")],
    seed_value: Annotated[str, typer.Argument(help="Whom, or which words.")],
    max_profiles: Annotated[int | None, typer.Option(help="The most people.")] = None,
    max_pages: Annotated[int | None, typer.Option(help="The most pages of people.")] = None,
    max_depth: Annotated[int | None, typer.Option(help="Levels of followers.")] = None,
    max_breadth: Annotated[int | None, typer.Option(help="Followers of each person.")] = None,
    max_bytes: Annotated[int | None, typer.Option(help="Bytes of answers.")] = None,
    max_seconds: Annotated[int | None, typer.Option(help="Seconds that it walks.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for its end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Start a crawl; what is left out of the bounds is as usual (see GET /docs)."""
    bounds = {
        "max_profiles": max_profiles,
        "max_pages": max_pages,
        "max_depth": max_depth,
        "max_breadth": max_breadth,
        "max_bytes": max_bytes,
        "max_seconds": max_seconds,
    }

    async def start(client: OmniClient) -> JobOut:
        accepted = await client.discover(
            campaign,
            platform=platform,
            seed_type=seed_type,
            seed_value=seed_value,
            crawl_config={name: bound for name, bound in bounds.items() if bound is not None},
        )
        if follow:
            return await client.wait_for_job(accepted.job_id, timeout=FOLLOW_S)
        return await client.get_job(accepted.job_id)

    job = ask_api(start)
    if as_json:
        print_json(job.model_dump(mode="json"))
        return
    write(f"job {job.id}: {job.state} {describe_job(job)}".rstrip())


def cancel(
    job: Annotated[str, typer.Argument(help="The job's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Stop a job: at once if it waits, within a second or so if it runs."""
    found = ask_api(lambda client: client.cancel_job(job))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    write(f"job {found.id}: {found.state if found.state == 'cancelled' else 'asked to stop'}")
