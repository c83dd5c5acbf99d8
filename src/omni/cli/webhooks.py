"""`omni webhooks`: who is told what happens, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from omni.cli.reading import Json, Limit, ask_api
from omni.cli.render import as_table, moment, print_json, write

if TYPE_CHECKING:
    from omni.client.client import OmniClient

app = typer.Typer(help="Tell your own programs what happens.", no_args_is_help=True)

EndpointId = Annotated[int, typer.Argument(help="The endpoint's id.")]


@app.command("add", help="Tell an address what happens from now on; prints its secret, once.")
def add(
    url: Annotated[str, typer.Argument(help="An http or https address.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(help="lead.qualified, message.sent or reply.received; all, if none is given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add an endpoint."""
    made = ask_api(lambda client: client.add_webhook_endpoint(url, kind or None))
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    write(f"endpoint {made.id}: {', '.join(made.kinds)}")
    write(f"secret {made.secret}   (shown once: it verifies the calls)")


@app.command("list", help="List the endpoints.")
def list_endpoints(as_json: Json = False) -> None:
    """List the endpoints."""
    found = ask_api(lambda client: client.webhook_endpoints())
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    as_table(
        ("id", "address", "kinds", "status", "last taken", "what"),
        [
            (
                str(each.id),
                each.url,
                ", ".join(each.kinds),
                each.status,
                moment(each.last_ok_at),
                each.disabled_because or (each.last_error or "" if each.failing_since else ""),
            )
            for each in found
        ],
        empty="Nobody is told anything: omni webhooks add URL",
    )


@app.command("remove", help="Tell an endpoint nothing any more.")
def remove(endpoint: EndpointId) -> None:
    """Remove an endpoint."""
    ask_api(lambda client: client.remove_webhook_endpoint(endpoint))
    write("removed")


@app.command("enable", help="Send to a disabled endpoint again.")
def enable(endpoint: EndpointId) -> None:
    """Enable an endpoint."""
    ask_api(lambda client: client.enable_webhook_endpoint(endpoint))
    write("enabled; what it has missed is told by: omni webhooks replay")


@app.command("replay", help="Tell an endpoint again what happened in a stretch of time (UTC).")
def replay(
    endpoint: EndpointId,
    since: Annotated[datetime, typer.Option(help="From this moment on.")],
    until: Annotated[datetime | None, typer.Option(help="Before this moment; now if none.")] = None,
) -> None:
    """Replay a stretch of time."""

    async def ask(client: OmniClient) -> int:
        done = await client.replay_webhooks(
            endpoint, since=_utc(since), until=None if until is None else _utc(until)
        )
        return done.events

    write(f"{ask_api(ask):,} events are told again")


@app.command("deliveries", help="Show what became of an endpoint's calls.")
def deliveries(
    endpoint: EndpointId,
    state: Annotated[
        str | None, typer.Option(help="pending, delivered, failed or dropped.")
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List deliveries."""
    found = ask_api(lambda client: client.webhook_deliveries(endpoint, state=state, limit=limit))
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    as_table(
        ("event", "happened", "state", "tries", "next", "error"),
        [
            (
                each.event_id,
                moment(each.occurred_at),
                each.state,
                str(each.attempts),
                moment(each.next_at) if each.state == "pending" else "",
                each.error or "",
            )
            for each in found
        ],
        empty="No calls here.",
    )


def _utc(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
