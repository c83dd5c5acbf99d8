"""`omni simulate`: weeks of sending in seconds, with what must hold, checked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omni.base.errors import Rejected
from omni.cli.reading import Json
from omni.cli.render import as_table, print_json, write

if TYPE_CHECKING:
    from omni.flow.simulation.types import Check, Simulated


def simulate(
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days.")] = 30,
    seed: Annotated[int, typer.Option(help="Another number is another world.")] = 1,
    busy: Annotated[
        bool, typer.Option("--busy", help="More to send than is allowed, and nothing goes wrong.")
    ] = False,
    svg: Annotated[Path | None, typer.Option(help="Write the picture to this file, too.")] = None,
    as_json: Json = False,
) -> None:
    """Send for weeks on virtual time, by the real plans; exit with 1 where an invariant breaks."""
    from omni.flow.simulation import checks, drawing, run
    from omni.flow.simulation.picture import picture

    if svg is not None and not svg.parent.is_dir():
        raise Rejected(f"there is no folder {svg.parent}", field="svg")
    scenario = (run.busy if busy else run.lively)(seed=seed, days=days)
    begun = perf_counter()
    simulated = run.simulate(scenario)
    took_s = perf_counter() - begun
    found = checks.check_all(simulated)
    if svg is not None:
        svg.write_text(drawing.draw(simulated), "utf-8")
    if as_json:
        print_json(_document(simulated, found, took_s))
    else:
        for line in picture(simulated):
            typer.echo(line)
        _tell(simulated, found, took_s)
    if any(check.broken_by for check in found):
        raise typer.Exit(1)


def _tell(simulated: Simulated, found: tuple[Check, ...], took_s: float) -> None:
    from omni.flow.simulation.checks import utilisation

    write("")
    as_table(
        ("", "what must hold", "looked at"),
        [
            ("broken" if check.broken_by else "ok", check.name, str(check.looked_at))
            for check in found
        ],
        empty="",
    )
    for check in found:
        for breach in check.broken_by:
            write(f"broken: {check.name}: {breach}")
    write("")
    for what, count in sorted(_counts(simulated).items()):
        write(f"{what}: {count}")
    used = ", ".join(f"{name} {share:.1%}" for name, share in utilisation(simulated).items())
    write(f"of what each account may send: {used}")
    write(f"{simulated.scenario.days} days in {took_s:.1f} s, seed {simulated.scenario.seed}")


def _counts(simulated: Simulated) -> dict[str, int]:
    counts = dict(simulated.trace.counts)
    for message in simulated.messages:
        name = f"messages {message.state}"
        counts[name] = counts.get(name, 0) + 1
        if message.state == "approved" and message.held_by:
            name = f"held by: {message.held_by}"
            counts[name] = counts.get(name, 0) + 1
    return counts


def _document(simulated: Simulated, found: tuple[Check, ...], took_s: float) -> dict[str, Any]:
    from omni.flow.simulation.checks import utilisation

    return {
        "days": simulated.scenario.days,
        "seed": simulated.scenario.seed,
        "took_s": round(took_s, 3),
        "calls": len(simulated.trace.calls),
        "counts": _counts(simulated),
        "utilisation": utilisation(simulated),
        "holds": not any(check.broken_by for check in found),
        "checks": [asdict(check) for check in found],
    }
