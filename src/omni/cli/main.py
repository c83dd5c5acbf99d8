"""The command line: `omni --help` lists the commands."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.main import get_command

from omni.base.log import configure_logging
from omni.cli import (
    crawling,
    drafting,
    handing,
    importing,
    inbox,
    judge,
    judging,
    keys,
    lead_files,
    persons,
    reading,
    replaying,
    running,
    sending,
    simulate,
    suppressing,
    webhooks,
)
from omni.cli.faults import guarded

app = typer.Typer(
    help="Find the right people on public platforms and start conversations with them, carefully.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
running.add_commands(app)
reading.add_commands(app)
crawling.add_commands(app)
app.command("import", help="Take in the people of a CSV, JSONL or Parquet file.")(
    importing.import_file
)
app.command("replay", help="Judge a campaign again from recordings alone.")(replaying.replay)
app.command("simulate", help="Send for weeks on virtual time, and check what must hold.")(
    simulate.simulate
)
app.command("handover", help="Write what an account hands over to other tools, as CSV.")(
    handing.handed_over
)
app.command("costs", help="Show what a campaign's models were paid for.")(judging.costs)
app.command("drafts", help="Show what the best leads would get.")(drafting.drafts)
app.command("autopilot", help="Show or set what goes without a look.")(drafting.autopilot)
app.command("accounts", help="List the accounts, or show, pause or resume one.")(sending.accounts)
app.command("inbox", help="List who wrote back, or show a conversation.")(inbox.inbox)
app.command("held", help="Say why nothing is sent for a campaign.")(sending.held)
suppressing.add_commands(app)
app.add_typer(lead_files.app, name="leads")
app.add_typer(keys.app, name="keys")
app.add_typer(persons.app, name="person")
app.add_typer(webhooks.app, name="webhooks")
judging.add_commands(judge.app)
app.add_typer(judge.app, name="judge")
app.add_typer(judge.prompt_app, name="prompt")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"omni {version('omni')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which Omni."),
    ] = False,
) -> None:
    configure_logging("warning")  # the commands that run something ask for what is set


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code: 0 well, 1 a fault, 2 the caller's mistake."""
    command = get_command(app)
    return guarded(
        lambda: command.main(arguments, prog_name="omni", standalone_mode=False),
        as_json="--json" in arguments,
    )


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
