"""Bad input: each mistake gets its one clear problem, and leaves no half-written rows."""

from __future__ import annotations

import asyncio
import json
import random
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from omni.base.log import configure_logging
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import CAMPAIGN, Served, problem, served

JSON = {"content-type": "application/json"}
BIG = 10 * 1024 * 1024
SEED = {"platform": "bluesky", "seed_type": "search", "seed_value": "solar"}


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


@dataclass(frozen=True)
class Bad:
    """A request, and what it must be answered with."""

    name: str
    status: int
    field: str | None = None
    says: str = ""
    method: str = "POST"
    path: str = "/campaigns"
    body: Any = None
    raw: bytes | None = None
    content_type: str = "application/json"
    key: str = ""


def campaign(**changes: Any) -> dict[str, Any]:
    return {**CAMPAIGN, **changes}


def clause(**changes: Any) -> dict[str, Any]:
    return {"all": [{"field": "followers", "op": ">=", "value": 10, **changes}]}


BODIES = (
    Bad("malformed JSON", 400, says="at character 9", raw=b'{"name": nope}'),
    Bad("truncated JSON", 400, raw=b'{"name": "x"'),
    Bad("not UTF-8", 400, raw=b'{"name": "\xff\xfe"}'),
    Bad("deep nesting", 400, says="nested too deeply", raw=b"[" * 200_000 + b"]" * 200_000),
    Bad("deep criteria", 422, "criteria" + ".not" * 8, says="flatten",
        raw=b'{"name": "x", "criteria": ' + b'{"not":' * 400 + b"{}" + b"}" * 401),
    Bad("a number beyond reason", 400, raw=b'{"name": ' + b"9" * 5_000 + b"}"),
    Bad("no body", 422, says="is required", raw=b""),
    Bad("an array", 422, says="must be a JSON object", body=[1]),
    Bad("null", 422, body=None, raw=b"null"),
    Bad("unknown field", 422, "nmae", says="not a known field", body=campaign(nmae="x")),
    Bad("missing field", 422, "criteria", says="is required", body={"name": "x"}),
    Bad("wrong type", 422, "name", body=campaign(name=3)),
    Bad("wrong type in depth", 422, "crawl_config.max_pages", path="/campaigns/{id}/discover",
        body={**SEED, "crawl_config": {"max_pages": "many"}}),
    Bad("unknown field in depth", 422, "crawl_config.pages", path="/campaigns/{id}/discover",
        body={**SEED, "crawl_config": {"pages": 1}}),
    Bad("no name", 422, "name", body=campaign(name="  ")),
    Bad("a NUL in the name", 422, "name", says="control characters", body=campaign(name="a\0b")),
    Bad("half a surrogate pair", 422, "name", raw=b'{"name": "\\ud800", "criteria": {}}'),
    Bad("threshold above 1", 422, "threshold", body=campaign(threshold=1.5)),
    Bad("threshold not a number", 422, "threshold",
        raw=json.dumps(campaign(threshold=float("nan"))).encode()),
    Bad("an endless template", 422, "message_template",
        body=campaign(message_template="x" * 9_000)),
    Bad("a template with code", 422, "message_template",
        body=campaign(message_template="{{ ''.__class__ }}")),
    Bad("empty criteria", 422, "criteria", body=campaign(criteria={})),
    Bad("criteria of nothing", 422, "criteria.all", body=campaign(criteria={"all": []})),
    Bad("unknown feature", 422, "criteria.all[0].field",
        body=campaign(criteria=clause(field="followerz"))),
    Bad("unknown operator", 422, "criteria.all[0].op", body=campaign(criteria=clause(op="~"))),
    Bad("wrong value", 422, "criteria.all[0].value", body=campaign(criteria=clause(value="many"))),
    Bad("SQL for a value", 422, "criteria.all[0].value",
        body=campaign(criteria=clause(value="1; drop table campaigns"))),
    Bad("a NUL in criteria", 422, "criteria.all[0].value",
        body=campaign(criteria=clause(field="bio", op="matches", value="a\0b"))),
    Bad("not a number in criteria", 422, "criteria.all[0].value",
        raw=json.dumps(campaign(criteria=clause(value=float("inf")))).encode()),
    Bad("criteria a list", 422, "criteria", body=campaign(criteria=[])),
    Bad("unknown platform", 422, "platform", "'bluesky' or 'synthetic'",
        path="/campaigns/{id}/discover", body={**SEED, "platform": "myspace"}),
    Bad("bad seed type", 422, "seed_type", "'actor' or 'followers'",
        path="/campaigns/{id}/discover", body={**SEED, "seed_type": "likes"}),
    Bad("limit of nothing", 422, "limit", path="/campaigns/{id}/qualify", body={"limit": 0}),
    Bad("status unknown", 422, "status", method="PATCH", path="/campaigns/{id}",
        body={"status": "asleep"}),
    Bad("unknown decision", 422, "kind", path="/leads/1/feedback", body={"kind": "converted"}),
    Bad("not a hash", 422, "body_hash", path="/messages/1/approve", body={"body_hash": "x"}),
    Bad("limits that disagree", 422, says="daily_limit", path="/accounts",
        body={"platform": "bluesky", "handle": "x", "hourly_limit": 9, "daily_limit": 1}),
    Bad("an account nowhere", 422, "platform", path="/accounts",
        body={"platform": "nowhere", "handle": "x"}),
    Bad("suppressed nowhere", 422, "platform", path="/suppressions",
        body={"platform": "nowhere", "platform_id": "x"}),
    Bad("no content type", 415, says="Content-Type", body=CAMPAIGN, content_type=""),
    Bad("a form", 415, raw=b"name=x",
        content_type="application/x-www-form-urlencoded"),
    Bad("text", 415, body=CAMPAIGN, content_type="text/plain"),
    Bad("an endless key", 422, "Idempotency-Key", body=CAMPAIGN, key="x" * 201),
)  # fmt: skip

PATHS = (
    Bad("nothing here", 404, method="GET", path="/campaign"),
    Bad("a slash too many", 404, method="GET", path="/campaigns/"),
    Bad("wrong method", 405, says="GET, POST", method="DELETE", path="/campaigns"),
    Bad("wrong method for a page", 405, says="use GET", method="POST", path="/campaigns/1/leads"),
    *(
        Bad(f"{path} of {value[:20]}", 404, method="GET", path=path.format(value))
        for value in ("999", "0", "-1", "1.0", "1e3", "abc", "%00", "+1", str(2**63), "9" * 5_000)
        for path in ("/campaigns/{}", "/campaigns/{}/leads", "/leads/{}")
    ),
    Bad("status of nothing", 404, method="GET", path="/campaigns/999/status"),
    Bad("messages of nothing", 404, method="GET", path="/campaigns/999/messages"),
    Bad("discover for nothing", 404, path="/campaigns/999/discover", body=SEED),
    Bad("qualify nothing", 404, path="/campaigns/999/qualify"),
    Bad("change nothing", 404, method="PATCH", path="/campaigns/999", body={"name": "x"}),
    Bad("decide nothing", 404, path="/leads/999/feedback", body={"kind": "accepted"}),
    Bad("approve nothing", 404, path="/messages/999/approve", body={"body_hash": "0" * 64}),
    Bad("pause nothing", 404, path="/accounts/999/pause"),
    Bad("not a job id", 404, method="GET", path="/jobs/7"),
    Bad("cursor", 422, "cursor", method="GET", path="/campaigns/{id}/leads?cursor=zzz"),
    Bad("another list's cursor", 422, "cursor", method="GET", path=f"/campaigns?cursor={'A' * 22}"),
    Bad("job cursor", 422, "cursor", method="GET", path="/jobs?cursor=%F0"),
    Bad("limit too high", 422, "limit", method="GET", path="/campaigns/{id}/leads?limit=201"),
    Bad("limit no number", 422, "limit", method="GET", path="/campaigns?limit=all"),
    Bad("limit too low", 422, "limit", method="GET", path="/jobs?limit=0"),
    Bad("state unknown", 422, "state", method="GET", path="/campaigns/{id}/leads?state=x"),
    Bad("campaign no number", 422, "campaign_id", method="GET", path="/jobs?campaign_id=x"),
)  # fmt: skip


@pytest.mark.parametrize("cases", [BODIES, PATHS], ids=["bodies", "paths"])
async def test_each_mistake_has_one_clear_answer(api: Served, cases: tuple[Bad, ...]) -> None:
    campaign_id = await api.campaign_id()
    before = await api.counts()
    wrong: list[str] = []
    for case in cases:
        response = await _send(api.http, case, campaign_id)
        try:
            said = problem(response, case.status)
            assert said.get("field") == case.field or (case.field is None and said.get("errors"))
            assert case.says in said["detail"]
            assert "Traceback" not in response.text
            assert len(response.content) < 4_000
        except AssertionError:
            wrong.append(f"{case.name}: {response.status_code} {response.text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert await api.counts() == before
    assert (await api.http.get("/ready")).status_code == 200


async def _send(http: httpx.AsyncClient, case: Bad, campaign_id: int) -> httpx.Response:
    content = case.raw
    if content is None and case.body is not None:
        content = json.dumps(case.body).encode()
    headers = {"content-type": case.content_type, "idempotency-key": case.key}
    headers = {name: value for name, value in headers.items() if content and value}
    path = case.path.replace("{id}", str(campaign_id))
    return await http.request(case.method, path, content=content, headers=headers)


async def test_all_mistakes_of_a_body_are_named_at_once(api: Served) -> None:
    body = {"name": "", "criteria": 3, "threshold": "x", "shortlist_size": 0, "more": 1}
    said = problem(await api.http.post("/campaigns", json=body), 422)
    named = [error["field"] for error in said["errors"]]
    assert named == ["name", "criteria", "threshold", "shortlist_size", "more"]
    assert said["field"] == "name"
    assert "4 more" in said["detail"]


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_ten_megabytes_are_refused_and_never_held(api: Served, chunked: bool) -> None:
    before = await api.counts()
    piece = b" " * 65_536

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(BIG // len(piece)):
            yield piece

    headers = dict(JSON) if chunked else {**JSON, "content-length": str(BIG)}
    tracemalloc.start()
    try:
        response = await api.http.post("/campaigns", content=pieces(), headers=headers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    said = problem(response, 413)
    assert "1,048,576 bytes" in said["detail"]
    # The limit, its copy, and what the server and this client hold on the way.
    assert peak < BIG / 2
    assert await api.counts() == before


async def test_a_body_at_the_limit_is_read(api: Served) -> None:
    body = json.dumps(CAMPAIGN).encode()
    fitting = body + b" " * (1024 * 1024 - len(body))
    response = await api.http.post("/campaigns", content=fitting, headers=JSON)
    assert response.status_code == 201
    response = await api.http.post("/campaigns", content=fitting + b" ", headers=JSON)
    problem(response, 413)


@pytest.mark.parametrize(
    ("path", "kind", "length"),
    [
        ("/campaigns", "application/json", f"Content-Length: {BIG}"),
        ("/campaigns", "application/json", "Transfer-Encoding: chunked"),
        ("/suppressions/file", "text/csv", "Content-Length: 100000001"),
    ],
)
async def test_a_body_beyond_the_limit_ends_the_connection(
    api: Served, path: str, kind: str, length: str
) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n{length}\r\n\r\n"
    writer.write(head.encode())
    if "chunked" in length:
        writer.write(b"200000\r\n" + b" " * 0x200000)
    told = await asyncio.wait_for(reader.read(), 20)
    assert told.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in told.lower()
    writer.close()


async def test_a_caller_that_leaves_in_the_middle_writes_nothing(api: Served) -> None:
    before = await api.counts()
    host, port = api.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /campaigns HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    writer.write(f'{head}Content-Length: 100\r\n\r\n{{"name": "x"'.encode())
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.1)
    assert (await api.http.get("/health")).status_code == 200
    assert await api.counts() == before


async def test_what_breaks_inside_is_not_told(api: Served) -> None:
    configure_logging(style="json")
    await api.campaign_id()
    broken = Query("break", "alter table campaigns rename column brief to secret_column")
    await api.db.execute(broken)
    said = problem(await api.http.get("/campaigns"), 500)
    assert "brief" not in json.dumps(said)
    assert "secret" not in json.dumps(said)


FIELDS = ("followers", "bio", "hashtags", "text", "is_bot", "last_post_at", "nothing", "\0", None)
OPERATORS = ("=", "between", "in", "contains any", "matches", "similar to", "exists", "~", 5)
VALUES: tuple[Any, ...] = (
    None, True, 1, 1e308, 10**30, float("nan"), "", "\0", "\ud800", "a" * 5_000, "'; drop table x",
    "%_\\", [], [5, 1], ["\ud800"], ["a"] * 2_000, {"a": 1}, "30 days ago", "2026-13-45",
    "99999999999 years ago", "10000-01-01", "!!! & | ( :*", '"unclosed', [None], [[1]],
)  # fmt: skip


def some_criteria(dice: random.Random, depth: int = 0) -> dict[str, Any]:
    """Return criteria as nobody would write them, most of them wrong."""
    roll = dice.random()
    if depth > 3 or roll < 0.6:
        parts = (("field", FIELDS), ("op", OPERATORS), ("value", VALUES))
        return {name: dice.choice(choices) for name, choices in parts if dice.random() > 0.02}
    if roll < 0.8:
        return {"not": some_criteria(dice, depth + 1)}
    parts = [some_criteria(dice, depth + 1) for _ in range(dice.randint(0, 2))]
    return {dice.choice(["all", "any"]): parts}


async def test_no_criteria_break_it(api: Served) -> None:
    dice = random.Random(5)
    made = 0
    for _ in range(400):
        body = json.dumps(campaign(criteria=some_criteria(dice))).encode()
        response = await api.http.post("/campaigns", content=body, headers=JSON)
        if response.status_code == 201:
            made += 1
            campaign_id = response.json()["id"]
            assert (await api.http.get(f"/campaigns/{campaign_id}")).status_code == 200
        else:
            assert problem(response, 422)["field"].startswith("criteria"), body
    counts = await api.counts()
    assert counts["campaigns"] == counts["jobs"] == made
    assert made > 3
