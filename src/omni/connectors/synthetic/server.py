"""The synthetic network as a server of its own: it is asked over HTTP, as a real platform is.

It speaks JSON. Pages are `{"people": [id, …], "cursor": "…" or null}`; errors are
`{"error": name, "message": words}`. Whoever sends or reads an inbox bears a token whose part before
the first colon names the account; there is nothing to protect here, so any such token is good.
"""

# pyright: reportUnusedFunction=false
# (FastAPI calls what the decorators register.)
from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Header, Query, Request, Response

from omni.base.clock import Clock, utc_now
from omni.connectors.synthetic.avatar import identicon
from omni.connectors.synthetic.faults import FaultMiddleware, Faults, FaultSpec, Requests
from omni.connectors.synthetic.mailbox import Mailbox, Taken
from omni.connectors.synthetic.network import Edit, Network
from omni.connectors.synthetic.replies import reply_of
from omni.connectors.synthetic.world import Found, World, person_id

MAX_BATCH = 100
MAX_PAGE = 100
MAX_TEXT = 2_000
_TOKEN = re.compile(r"Bearer ([A-Za-z0-9_.@-]{1,100})(?::.{0,200})?")

Cursor = Annotated[str | None, Query(max_length=20)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Bearer = Annotated[str, Header(alias="authorization")]


class Letter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A direct message: to whom (an immutable id), and what."""

    to: str
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]


class Refused(Exception):
    """The network says no."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error = status, error


def create_app(
    people: int,
    seed: int,
    state_path: Path,
    *,
    now: datetime | None = None,
    reply_delay_s: float = 3.0,
    clock: Clock = utc_now,
) -> FastAPI:
    """Build the network.

    Args:
        people: How many there are.
        seed: Another seed, other people.
        state_path: SQLite file that keeps messages, answers and edits over a restart.
        now: The moment that the world's posts lead up to; the midnight (UTC) before the start if
            None, so that profiles stand still while the server runs.
        reply_delay_s: About how many seconds people take to answer.
        clock: Tells when messages are sent and answers fall due.
    """
    moment = now or clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    mailbox = Mailbox(Path(state_path), f"{seed}:{people}")
    network = Network(World(people, seed, moment), mailbox)
    faults, requests = Faults(), Requests()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        mailbox.close()

    app = FastAPI(title="Omni's synthetic network", lifespan=lifespan)
    app.add_middleware(FaultMiddleware, faults=faults, requests=requests)
    app.add_exception_handler(Refused, _render)
    app.add_exception_handler(msgspec.DecodeError, _render_bad_body)
    _add_people(app, network)
    _add_messages(app, network, mailbox, timedelta(seconds=reply_delay_s), clock)
    _add_controls(app, faults, requests)
    return app


def _add_people(app: FastAPI, network: Network) -> None:
    world = network.world

    @app.get("/health")
    async def health() -> Response:
        return _json({"people": world.people, "seed": world.seed, "now": world.now})

    @app.get("/people")
    async def people(
        ids: Annotated[str, Query(max_length=5_000)],
    ) -> Response:
        wanted = [part for part in ids.split(",") if part]
        if len(wanted) > MAX_BATCH:
            raise Refused(400, "TooMany", f"ask for at most {MAX_BATCH} people at once")
        numbers = (network.number_of(name) for name in dict.fromkeys(wanted))
        return _json({"people": [network.describe(n) for n in numbers if n is not None]})

    @app.patch("/people/{name}")
    async def edit(name: str, request: Request) -> Response:
        number = _existing(network, name)
        network.edit(number, msgspec.json.decode(await request.body(), type=Edit))
        return Response(status_code=204)

    @app.get("/people/{name}/followers")
    async def followers(name: str, cursor: Cursor = None, limit: Limit = 50) -> Response:
        return _page(world.followers(_existing(network, name), _start(cursor), limit))

    @app.get("/people/{name}/follows")
    async def follows(name: str, cursor: Cursor = None, limit: Limit = 50) -> Response:
        return _page(world.follows(_existing(network, name), _start(cursor), limit))

    @app.get("/search")
    async def search(
        q: Annotated[str, Query(max_length=200)], cursor: Cursor = None, limit: Limit = 50
    ) -> Response:
        return _page(world.search(q, _start(cursor), limit))

    @app.get("/hashtags/{tag}")
    async def hashtag(tag: str, cursor: Cursor = None, limit: Limit = 50) -> Response:
        return _page(world.tagged(tag, _start(cursor), limit))

    @app.get("/pictures/{number}/{position}.png")
    async def picture(number: int, position: int) -> Response:
        if not network.has_picture(number, position):
            raise Refused(404, "NotFound", "there is no such picture")
        image = identicon(world.seed, number, position)
        return Response(image, media_type="image/png")


def _add_messages(
    app: FastAPI, network: Network, mailbox: Mailbox, delay: timedelta, clock: Clock
) -> None:
    @app.post("/messages")
    async def send(
        request: Request,
        authorization: Bearer = "",
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Response:
        account = _account(authorization)
        letter = msgspec.json.decode(await request.body(), type=Letter)
        known = mailbox.find(account, idempotency_key) if idempotency_key else None
        if known is not None and (known.person, known.body) != (letter.to, letter.text):
            raise Refused(409, "KeyReused", "this key was used for another message")
        if known is not None:
            return _json(_letter(known))
        number = _existing(network, letter.to)
        person = network.person(number)
        if letter.to != person.id:
            raise Refused(404, "NotFound", "messages go to immutable ids")
        if not person.accepts_messages:
            raise Refused(403, "MessagesDisabled", "this person does not accept messages")
        reply = reply_of(person, letter.text, network.world.seed)
        taken = mailbox.take(
            account, letter.to, letter.text, key=idempotency_key, now=clock(), reply=reply,
            delay=delay,
        )  # fmt: skip
        return _json(_letter(taken), 201)

    @app.get("/messages")
    async def sent(
        authorization: Bearer = "",
        to: Annotated[str | None, Query(max_length=100)] = None,
        limit: Limit = 50,
    ) -> Response:
        letters = mailbox.sent(_account(authorization), limit, to)
        return _json({"messages": [_letter(letter) for letter in letters]})

    @app.get("/me")
    async def me(authorization: Bearer = "") -> Response:
        account = _account(authorization)
        return _json({"id": f"account:{account}", "username": account})

    @app.get("/inbox")
    async def inbox(
        authorization: Bearer = "", cursor: Cursor = None, limit: Limit = 50
    ) -> Response:
        after = _start(cursor)
        events = mailbox.events(_account(authorization), after, limit, clock())
        last = events[-1].seq if events else after
        return _json({"events": events, "cursor": str(last), "more": len(events) == limit})


def _add_controls(app: FastAPI, faults: Faults, requests: Requests) -> None:
    @app.post("/faults")
    async def add(request: Request) -> Response:
        faults.add(msgspec.json.decode(await request.body(), type=FaultSpec))
        return Response(status_code=204)

    @app.get("/faults")
    async def left() -> Response:
        return _json([{"fault": fault, "left": times} for fault, times in faults.left()])

    @app.delete("/faults")
    async def clear() -> Response:
        faults.clear()
        return Response(status_code=204)

    @app.get("/requests")
    async def asked(since: Annotated[int, Query(ge=0)] = 0) -> Response:
        return _json({"total": requests.total, "requests": requests.since(since)})


def _existing(network: Network, name: str) -> int:
    number = network.number_of(name)
    if number is None:
        raise Refused(404, "NotFound", "nobody has this id or username")
    return number


def _account(authorization: str) -> str:
    match = _TOKEN.fullmatch(authorization)
    if match is None:
        raise Refused(401, "InvalidToken", "say who sends: Authorization: Bearer <account>")
    return match[1]


def _start(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit()):
        raise Refused(400, "InvalidCursor", "this cursor does not come from here")
    return int(cursor)


def _page(found: Found) -> Response:
    cursor = None if found.next is None else str(found.next)
    return _json({"people": [person_id(number) for number in found.numbers], "cursor": cursor})


def _letter(taken: Taken) -> dict[str, Any]:
    return {
        "id": taken.name,
        "to": taken.person,
        "text": taken.body,
        "sent_at": taken.sent_at,
        "calls": taken.calls,
    }


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def _render(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _json({"error": error.error, "message": str(error)}, error.status)


async def _render_bad_body(_: Request, error: Exception) -> Response:
    return _json({"error": "BadRequest", "message": str(error)}, 400)
