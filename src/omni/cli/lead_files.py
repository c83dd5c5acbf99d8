"""`omni leads`: a campaign's leads as a table, or as a file for other tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from omni.base.errors import Rejected
from omni.cli.files import whole_file
from omni.cli.reading import Json, ask_api, leads
from omni.cli.render import print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient
    from omni.client.lead_files import LeadFormat

FORMATS = ("csv", "jsonl", "parquet")


class _ListedByDefault(TyperGroup):
    """Takes `omni leads 1` for `omni leads list 1`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command that is meant where none is named."""
        named = args and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else ["list", *args])


app = typer.Typer(
    help="List a campaign's leads, best first, with the reasons; or write them to a file.",
    cls=_ListedByDefault,
)
app.command("list", help="List a campaign's leads; `omni leads 1` does the same.")(leads)


@app.command("export", help="Write all of a campaign's leads to a file, with the reasons.")
def export(
    campaign: Annotated[int, typer.Argument(help="The campaign's id.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file; leads-ID.csv if not said.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(help="csv, jsonl or parquet; if not said, by the file's ending."),
    ] = None,
    state: Annotated[str | None, typer.Option(help="Only leads in this state.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file.")] = False,
    as_json: Json = False,
) -> None:
    """Write a campaign's leads to a file that is whole, or not there."""
    kind = _format(format, out)
    path = out or Path(f"leads-{campaign}.{kind}")
    size = 0
    total: list[int] = []

    async def fetch(client: OmniClient) -> None:
        nonlocal size
        with whole_file(path, replace=force) as file:
            async for piece in client.lead_file(campaign, kind, state=state, counted=total.append):
                file.write(piece)
                size += len(piece)
                _progress(size, total[0])
        _progress_ends()

    ask_api(fetch)
    (leads_written,) = total
    if as_json:
        print_json({"file": str(path), "format": kind, "leads": leads_written, "bytes": size})
        return
    write(f"{leads_written:,} leads are in {path}")


def _format(given: str | None, out: Path | None) -> LeadFormat:
    chosen = given or (out.suffix.removeprefix(".").lower() if out else "") or "csv"
    if chosen not in FORMATS:
        raise Rejected(
            f"{chosen!r} is no format: --format takes {', '.join(FORMATS)}", field="format"
        )
    return chosen


def _progress(size: int, leads_coming: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{size / 1e6:,.1f} MB, {leads_coming:,} leads in all")


def _progress_ends() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
