"""`omni keys`: who may call the API from another machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from omni.api.types import SCOPES, ApiKey, Scope
from omni.base.clock import utc_now
from omni.base.errors import Rejected
from omni.cli.faults import read_settings
from omni.cli.render import as_table, moment, print_json

if TYPE_CHECKING:
    from omni.storage.db import Database

app = typer.Typer(
    help="API keys: needed where Omni listens on more than this machine.", no_args_is_help=True
)
Told = TypeVar("Told")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use the key.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="read, write; both if left out. Repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a key and print its secret, which is shown only now."""
    from omni.api import store

    scopes = _scopes(scope or list(SCOPES))
    key, secret = _run(lambda db: store.create_key(db, name=name, scopes=scopes, now=utc_now()))
    if as_json:
        print_json({**_plain(key), "secret": secret})
        return
    typer.echo(f"Key {key.id} for {key.name} ({', '.join(key.scopes)}).", err=True)
    typer.echo("Keep the secret; it is not shown again:", err=True)
    typer.echo(secret)


@app.command(name="list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the keys; secrets are not kept, so they cannot be shown."""
    from omni.api import store

    keys = _run(store.list_keys)
    if as_json:
        print_json([_plain(key) for key in keys])
        return
    as_table(
        ("id", "name", "scopes", "created", "last used", "revoked"),
        [
            (
                str(key.id),
                key.name,
                " ".join(key.scopes),
                moment(key.created_at),
                moment(key.last_used_at),
                moment(key.revoked_at),
            )
            for key in keys
        ],
        empty="No keys yet: make one with `omni keys create NAME`.",
    )


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="As `omni keys list` shows it.")]) -> None:
    """Close a key for ever."""
    from omni.api import store

    try:
        wanted = UUID(key_id)
    except ValueError:
        raise Rejected(f"{key_id} is not a key's id: `omni keys list` shows them") from None
    key = _run(lambda db: store.revoke_key(db, wanted, now=utc_now()))
    typer.echo(f"Key {key.id} for {key.name} opens nothing any more.")


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


def _scopes(given: list[str]) -> list[Scope]:
    unknown = sorted(set(given) - set(SCOPES))
    if unknown:
        raise Rejected(f"--scope {unknown[0]}: choose from {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in given]


def _run(ask: Callable[[Database], Awaitable[Told]]) -> Told:
    from omni.cli.world import open_database

    async def run() -> Told:
        async with open_database(read_settings()) as db:
            return await ask(db)

    return asyncio.run(run())


def _plain(key: ApiKey) -> dict[str, object]:
    return {
        "id": str(key.id),
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
