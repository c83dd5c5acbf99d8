"""`omni replay`: judge a campaign again from recordings alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from omni.cli.faults import read_settings
from omni.cli.reading import Json
from omni.cli.render import as_table, print_json, write

if TYPE_CHECKING:
    from omni.base.settings import Settings
    from omni.flow.replaying import ReplayReport


def replay(
    campaign: Annotated[int, typer.Argument(help="The campaign's id.")], as_json: Json = False
) -> None:
    """Compare verdicts and leads with the recordings; exit with 1 where something differs."""
    found = asyncio.run(_replay(read_settings(), campaign))
    if as_json:
        print_json(
            {
                "campaign_id": found.campaign_id,
                "identical": found.identical,
                "verdicts": dict(found.verdicts),
                "leads": dict(found.leads),
                "problems": [asdict(one) for one in found.problems],
            }
        )
    else:
        write(f"verdicts: {_told(found.verdicts)}")
        write(f"leads: {_told(found.leads)}")
        as_table(
            ("person", "outcome", "what"),
            [(f"@{one.username}", one.outcome, one.detail) for one in found.problems],
            empty="Everything is as the recordings say. No model was called.",
        )
    if not found.identical:
        raise typer.Exit(1)


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "none"


async def _replay(settings: Settings, campaign_id: int) -> ReplayReport:
    from omni.cli.world import open_database
    from omni.flow.replaying import replay as run

    async with open_database(settings) as db:
        return await run(db, campaign_id)
