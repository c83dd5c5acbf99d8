"""`omni import`: a file of people, shown as it would be taken in, then taken in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from omni.base.errors import Fatal, Rejected
from omni.cli.faults import read_settings
from omni.cli.render import as_table, cut, print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient
    from omni.client.models import ImportDraft, ImportOut, Target

WAIT_S = 7_200.0
_SHOWN = ("display_name", "username", "platform", "platform_id", "bio", "followers")


def import_file(
    path: Annotated[
        Path, typer.Argument(help="CSV, JSONL or Parquet.", exists=True, dir_okay=False)
    ],
    platform: Annotated[str | None, typer.Option(help="Of rows that name none.")] = None,
    mappings: Annotated[
        list[str] | None,
        typer.Option("--map", help="COLUMN=MEANING; COLUMN= leaves it out. Repeatable."),
    ] = None,
    campaign: Annotated[int | None, typer.Option(help="For whom the people are.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show it, and take nothing in.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take in the people of a file."""
    changes = dict(map(_mapping, mappings or ()))
    asyncio.run(_run(path, platform, changes, campaign, preview=preview, yes=yes, as_json=as_json))


def _mapping(given: str) -> tuple[str, str]:
    column, equals, meaning = given.rpartition("=")
    if not equals or not column:
        raise Rejected(f"--map {given}: write COLUMN=MEANING")
    return column, meaning


async def _run(
    path: Path,
    platform: str | None,
    changes: dict[str, str],
    campaign: int | None,
    *,
    preview: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from omni.client.client import OmniClient

    settings = read_settings()
    key = settings.api_key.get_secret_value() if settings.api_key else None
    async with OmniClient(settings.api_url, api_key=key, timeout_s=300) as client:
        with path.open("rb") as content:
            draft = await client.upload_import(
                path.name, content, platform=platform, campaign_id=campaign
            )
        if changes:
            columns = {**cast("dict[str, str]", draft.columns), **changes}
            kept = {column: meaning for column, meaning in columns.items() if meaning}
            draft = await client.change_import(draft.id, columns=cast("dict[str, Target]", kept))
        if preview:
            _show(draft, as_json=as_json)
            await client.delete_import(draft.id)
            return
        if not yes:
            _show(draft, as_json=False)
            if not typer.confirm("Take these people in?", err=True):
                await client.delete_import(draft.id)
                raise typer.Exit(1)
        await _take_in(client, draft, as_json=as_json)


async def _take_in(client: OmniClient, draft: ImportDraft, *, as_json: bool) -> None:
    accepted = await client.start_import(draft.id, idempotency_key=f"omni-import-{draft.id}")
    job = await client.wait_for_job(accepted.job_id, timeout=WAIT_S)
    done = await client.get_import(draft.id)
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        _tell(done)
    if job.state != "succeeded":
        raise Fatal(f"the import {job.state}: {job.error or 'no reason was given'}")


def _show(draft: ImportDraft, *, as_json: bool) -> None:
    if as_json:
        print_json(draft.model_dump(mode="json"))
        return
    write(f"{draft.name}: {draft.format}, about {draft.rows_about} rows", style="bold")
    as_table(
        ("column", "means"),
        [(name, draft.columns.get(name, "–")) for name in draft.all_columns],
        empty="",
    )
    as_table(
        ("row", *_SHOWN, "problems"),
        [
            (
                str(row.row),
                *(cut((row.person or {}).get(name) or "", 40) for name in _SHOWN),
                "; ".join(cut(f"{p.column or 'row'}: {p.what}", 60) for p in row.problems),
            )
            for row in draft.preview
        ],
        empty="The file has no rows.",
    )


def _tell(done: ImportOut) -> None:
    counts = done.counts
    write(
        f"{counts.rows:,} rows: {counts.added:,} people new, {counts.changed:,} changed, "
        f"{counts.unchanged:,} unchanged, {counts.left_alone:,} left alone, "
        f"{counts.skipped:,} rows skipped"
    )
    if counts.problems:
        write(f"{counts.problems:,} problems: GET /imports/{done.id}/errors has them by row")
