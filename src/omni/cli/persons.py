"""`omni person`: everything that is kept of one person, given out or removed for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omni.base.errors import Rejected, Transient
from omni.cli.reading import Json, ask_api
from omni.cli.render import as_table, print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient
    from omni.client.models import ErasureOut

app = typer.Typer(
    help="Give out or remove everything that is kept of one person.", no_args_is_help=True
)

Who = Annotated[
    str,
    typer.Argument(
        metavar="PLATFORM:ID",
        help="Such as bluesky:did:plc:…; a name that one profile has will do as well.",
    ),
]
WITHIN_S = 120.0


@app.command("export", help="Give out every row, recording and picture of a person, as JSON.")
def export(
    who: Who,
    out: Annotated[Path | None, typer.Option(help="Write it to this file, not the screen.")] = None,
) -> None:
    """Print or write everything that is kept of a person."""
    platform, platform_id = _read(who)
    found = ask_api(lambda client: client.export_person(platform, platform_id))
    if out is None:
        print_json(found.model_dump(mode="json"))
        return
    out.write_text(found.model_dump_json(indent=2), "utf-8")
    rows = sum(len(table.rows) for table in found.tables.values())
    write(f"{rows} rows and {len(found.pictures)} pictures are in {out}")


@app.command("erase", help="Remove everything that is kept of a person, for good.")
def erase(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a person, wait until it is done, and print the receipt."""
    platform, platform_id = _read(who)
    if not yes:
        typer.confirm(
            f"Remove everything of {platform_id} on {platform}? There is no way back", abort=True
        )

    async def run(client: OmniClient) -> ErasureOut:
        asked = await client.erase_person(platform, platform_id)
        try:
            return await client.wait_for_erasure(asked.id, WITHIN_S)
        except TimeoutError:
            now = await client.erasure(asked.id)
            raise Transient(
                f"it goes on by itself; it waits for {now.waits_for or 'a worker'}: "
                f"GET /erasures/{asked.id} tells"
            ) from None

    receipt = ask_api(run)
    if as_json:
        print_json(receipt.model_dump(mode="json"))
        return
    write(f"erased; receipt {receipt.id}", style="bold")
    as_table(
        ("what", "removed"),
        [(place, f"{count:,}") for place, count in sorted(receipt.removed.items())],
        empty="Nothing was kept of them.",
    )
    for table, count in receipt.mentions.items():
        write(f"{count} {table} name them in somebody's own words: look at these yourself")


def _read(who: str) -> tuple[str, str]:
    platform, colon, platform_id = who.partition(":")
    if not (platform and colon and platform_id):
        raise Rejected(f"{who!r} is not PLATFORM:ID, such as bluesky:did:plc:abc", field="who")
    return platform, platform_id
