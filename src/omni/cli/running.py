"""`omni up`, `omni demo`, `omni migrate`, and a command for each part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from omni.base.log import configure_logging
from omni.base.settings import Settings
from omni.cli.faults import read_settings
from omni.cli.lifetime import Signals, first_of, leave_with_parent, run_with_signals
from omni.cli.parts import PARTS, Part, ui

Supervised = Annotated[bool, typer.Option("--supervised", hidden=True)]


def add_commands(app: typer.Typer) -> None:
    """Add the commands that start something."""
    app.command("up", help="Run the whole product until Ctrl-C.")(_up)
    app.command("demo", help="Run the whole product and show what it does.")(_demo)
    app.command("migrate", help="Bring the database to this version's schema.")(_migrate)
    for part in PARTS.values():
        app.command(part.name, help=f"Run one part alone: {part.about}.")(_command_of(part))
    app.command("ui", help="Run one part alone: the web UI.")(_ui)


def _up() -> None:
    from omni.cli.up import running_product

    settings = _start(quiet=True)

    async def run(signals: Signals) -> None:
        async with running_product(settings, signals, _say) as product:
            if not signals.stop.is_set():
                _say(f"{'open':<10} {product.ui_url}   (Ctrl-C stops everything)")
            await first_of(signals.stop.wait(), product.supervisor.until_broken())

    run_with_signals(run)


def _demo(
    leave: Annotated[bool, typer.Option("--exit", help="End after the script.")] = False,
) -> None:
    from omni.cli.demo import run_demo

    settings = _start(quiet=True)
    run_with_signals(lambda signals: run_demo(settings, signals, leave=leave))


def _migrate() -> None:
    from omni.embedded.servers import Servers
    from omni.storage.migrate import migrate

    settings = _start(quiet=True)

    async def run() -> str:
        async with Servers(settings) as servers:
            return await migrate(servers.database_url)

    _say(f"the database is at revision {asyncio.run(run())}")


def _command_of(part: Part) -> Callable[..., None]:
    def command(supervised: Supervised = False) -> None:
        settings = _start()
        if supervised:
            leave_with_parent()

        async def run(signals: Signals) -> None:
            running = part.run(settings, signals.stop, _announcer(part.name))
            await first_of(running, signals.hurry.wait())

        run_with_signals(run)

    return command


def _ui(supervised: Supervised = False) -> None:
    settings = _start()
    if supervised:
        leave_with_parent()
    ui(settings, _announcer("ui"))


def _start(*, quiet: bool = False) -> Settings:
    """Read the settings and begin to log; `quiet` where people are told in words what happens."""
    settings = read_settings()
    level = "warning" if quiet and settings.log_level == "info" else settings.log_level
    configure_logging(level, settings.log_style)
    return settings


def _announcer(name: str) -> Callable[[str], None]:
    return lambda where: _say(f"{name}: {where}")


def _say(line: str) -> None:
    typer.echo(line)
