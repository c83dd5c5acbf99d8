"""`omni keys`: who may call the API, and what for.

With `OMNI_API_KEY` set the API is asked, and that key's scopes hold. Without one, or with
`--database`, it is done in the database itself: the first key is made before anything listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from omni.api.types import MEANING, SCOPES, USUAL
from omni.base.clock import utc_now
from omni.base.errors import Rejected
from omni.cli.faults import read_settings
from omni.cli.reading import Json, ask_api
from omni.cli.render import as_table, moment, print_json, write

if TYPE_CHECKING:
    from omni.api.schemas.keys import KeyMade, KeyOut
    from omni.storage.db import Database

app = typer.Typer(
    help="API keys: for other machines, and for programs that may not do everything.",
    no_args_is_help=True,
)
Told = TypeVar("Told")
InDatabase = Annotated[
    bool, typer.Option("--database", help="In the database itself, whatever OMNI_API_KEY may do.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use the key.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="Repeatable; read and write if left out. "
            + " ".join(f"{scope}: {MEANING[scope]}." for scope in SCOPES)
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="It runs out after so many days.")
    ] = None,
    as_json: Json = False,
    database: InDatabase = False,
) -> None:
    """Make a key and print its secret, which is shown only now."""
    unknown = sorted(set(scope or ()) - set(SCOPES))
    if unknown:
        raise Rejected(f"--scope {unknown[0]}: choose from {', '.join(SCOPES)}")
    scopes = scope or list(USUAL)
    ends = utc_now() + timedelta(days=days) if days else None
    if _asks_api(database):
        made = ask_api(lambda api: api.create_key(name, scopes=scopes, expires_at=ends))
    else:
        made = _run(lambda db: _create(db, name, scopes, ends))
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    ended = f", until {moment(made.expires_at)}" if made.expires_at else ""
    typer.echo(f"Key {made.id} for {made.name} ({', '.join(made.scopes)}){ended}.", err=True)
    typer.echo("Keep the secret; it is not shown again:", err=True)
    typer.echo(made.secret)


@app.command(name="list")
def list_keys(as_json: Json = False, database: InDatabase = False) -> None:
    """List the keys; secrets are not kept, so they cannot be shown."""
    keys = ask_api(lambda api: api.list_keys()) if _asks_api(database) else _run(_list)
    if as_json:
        print_json([key.model_dump(mode="json") for key in keys])
        return
    as_table(
        ("id", "begins", "name", "scopes", "created", "last used", "runs out", "revoked"),
        [
            (
                str(key.id),
                key.hint or "",
                key.name,
                " ".join(key.scopes),
                moment(key.created_at),
                moment(key.last_used_at),
                moment(key.expires_at),
                moment(key.revoked_at),
            )
            for key in keys
        ],
        empty="No keys yet: make one with `omni keys create NAME`.",
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `omni keys list` shows it.")],
    as_json: Json = False,
    database: InDatabase = False,
) -> None:
    """Close a key for ever."""
    try:
        wanted = UUID(key_id)
    except ValueError:
        raise Rejected(f"{key_id} is not a key's id: `omni keys list` shows them") from None
    if _asks_api(database):
        key = ask_api(lambda api: api.revoke_key(str(wanted)))
    else:
        key = _run(lambda db: _revoke(db, wanted))
    if as_json:
        print_json(key.model_dump(mode="json"))
        return
    write(f"Key {key.id} for {key.name} opens nothing any more.")


@app.command(name="rotate-secret")
def rotate_secret() -> None:
    """Encrypt all secrets with the first key of OMNI_SECRET_KEY; the others may go then."""
    from omni.base.vault import open_vault
    from omni.dispatch import accounts_store
    from omni.feedback import webhooks_store as sources
    from omni.webhooks import store as endpoints

    settings = read_settings()
    key = settings.secret_key.get_secret_value() if settings.secret_key else None
    vault = open_vault(key, settings.data_dir)

    async def renew(db: Database) -> tuple[int, int]:
        async with db.transaction() as tx:
            accounts = await accounts_store.renew_secrets(tx, vault)
            incoming = await sources.renew_secrets(tx, vault)
            return accounts, incoming + await endpoints.renew_secrets(tx, vault)

    accounts, webhooks = _run(renew)
    typer.echo(
        f"Encrypted with the first key: the secrets of {accounts} account(s) and "
        f"{webhooks} webhook(s)."
    )


def _asks_api(database: bool) -> bool:
    return not database and read_settings().api_key is not None


async def _create(
    db: Database, name: str, scopes: list[str], expires_at: datetime | None
) -> KeyMade:
    from omni.api import store
    from omni.api.schemas.keys import KeyMade, KeyOut

    key, secret = await store.create_key(
        db, name=name, scopes=scopes, expires_at=expires_at, now=utc_now()
    )
    return KeyMade(**KeyOut.model_validate(key).model_dump(), secret=secret)


async def _list(db: Database) -> list[KeyOut]:
    from omni.api import store
    from omni.api.schemas.keys import KeyOut

    return [KeyOut.model_validate(key) for key in await store.list_keys(db)]


async def _revoke(db: Database, key_id: UUID) -> KeyOut:
    from omni.api import store
    from omni.api.schemas.keys import KeyOut

    return KeyOut.model_validate(await store.revoke_key(db, key_id, now=utc_now()))


def _run(ask: Callable[[Database], Awaitable[Told]]) -> Told:
    from omni.cli.world import open_database

    async def run() -> Told:
        async with open_database(read_settings()) as db:
            return await ask(db)

    return asyncio.run(run())
