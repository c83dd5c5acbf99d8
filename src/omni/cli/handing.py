"""`omni handover`: messages as rows for tools that people use already."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omni.cli.files import whole_file
from omni.cli.reading import ask_api
from omni.cli.render import write

if TYPE_CHECKING:
    from omni.client.client import OmniClient


def handed_over(
    account: Annotated[int, typer.Argument(help="The account's id.")],
    out: Annotated[Path, typer.Option(help="The file to write, CSV.")] = Path("handed-over.csv"),
    since: Annotated[
        datetime | None,
        typer.Option(help="Only what was handed over after this moment, UTC."),
    ] = None,
) -> None:
    """Write the messages that an account hands over to a file, for a tool that delivers them."""
    moment = since.replace(tzinfo=UTC) if since and since.tzinfo is None else since

    async def fetch(client: OmniClient) -> int:
        rows = 0
        with whole_file(out, replace=True) as file:
            async for piece in client.handed_over(account, since=moment):
                rows += piece.count(b"\r\n")
                file.write(piece)
        return rows - 1

    write(f"{ask_api(fetch)} messages are in {out}")
