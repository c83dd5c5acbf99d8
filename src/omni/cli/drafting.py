"""`omni drafts`: what a campaign would write; `omni autopilot`: what goes without a look."""

from __future__ import annotations

from typing import Annotated

import typer

from omni.cli.reading import Json, ask_api
from omni.cli.render import print_json, write


def drafts(
    campaign: Annotated[int, typer.Argument(help="The campaign's id.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="For how many leads.")] = 5,
    as_json: Json = False,
) -> None:
    """Show the texts that the best leads would get; nothing is written down or sent."""
    found = ask_api(lambda client: client.preview_drafts(campaign, limit=limit))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    for item in found.items:
        write(f"To @{item.username} on {item.platform}", style="bold")
        write(item.body or f"no draft: {item.problem or 'not written yet'}")
        for claim in item.claims:
            write(f"  {claim.claim} <- {claim.quote}")
    if found.note:
        write(f"Nothing can be drafted: {found.note}.")
        return
    when = f"{found.finish_at:%Y-%m-%d %H:%M} UTC" if found.finish_at else "never as it is now"
    write(f"{found.recipients:,} people would get a draft; all could be out by: {when}")


def autopilot(
    campaign: Annotated[int, typer.Argument(help="The campaign's id.")],
    daily_cap: Annotated[
        int | None, typer.Option(min=1, max=1_000, help="Let so many go in any 24 hours.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Turn it off.")] = False,
    as_json: Json = False,
) -> None:
    """Show what goes without a person's look, or change it."""
    if off and daily_cap is not None:
        raise typer.BadParameter("--off and --daily-cap exclude each other")
    if off or daily_cap is not None:
        found = ask_api(lambda client: client.set_autopilot(campaign, daily_cap))
    else:
        found = ask_api(lambda client: client.autopilot(campaign))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    if found.daily_cap is None:
        write("The autopilot is off: a person approves each message.")
        if found.off_because:
            write(
                f"It went off by itself at {found.off_at:%Y-%m-%d %H:%M} UTC: {found.off_because}."
            )
            write("Drafts that wait keep the words they have: look at them before it is on again.")
    else:
        write(f"The autopilot is on: {found.used} of {found.daily_cap} messages in 24 hours.")
    if found.taken_back:
        write(f"{found.taken_back} approvals were taken back.")
