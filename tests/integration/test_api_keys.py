"""Who may call: keys where others can connect, nobody's web page where they cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from omni.api import store
from omni.base.clock import utc_now
from omni.base.errors import NotFound, Rejected
from omni.client.client import ApiProblem, OmniClient
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import CAMPAIGN, Served, problem, served


@pytest.fixture
async def guarded(db: Database) -> AsyncIterator[Served]:
    async with served(db, require_keys=True) as running:
        yield running


@pytest.fixture
async def local(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


async def key(db: Database, *scopes: str) -> dict[str, str]:
    _, token = await store.create_key(db, name="test", scopes=scopes, now=utc_now())
    return {"Authorization": f"Bearer {token}"}


async def test_scopes_are_held(guarded: Served) -> None:
    reader, writer = await key(guarded.db, "read"), await key(guarded.db, "write")
    both = await key(guarded.db, "write", "read")
    assert (await guarded.http.get("/campaigns", headers=reader)).status_code == 200
    refused = await guarded.http.post("/campaigns", json=CAMPAIGN, headers=reader)
    assert "'write'" in problem(refused, 403)["detail"]
    problem(await guarded.http.get("/campaigns", headers=writer), 403)
    problem(await guarded.http.patch("/campaigns/1", json={"name": "x"}, headers=reader), 403)
    for headers in (writer, both):
        made = await guarded.http.post("/campaigns", json=CAMPAIGN, headers=headers)
        assert made.status_code == 201
    assert (await guarded.http.get("/campaigns", headers=both)).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer omni_" + "A" * 43, "omni_x"]
)
async def test_without_a_key_that_is_known_nothing_is_told(guarded: Served, header: str) -> None:
    await key(guarded.db, "read", "write")
    headers = {"Authorization": header} if header else {}
    for method, path in (
        ("GET", "/campaigns"),
        ("GET", "/campaigns/1/leads"),
        ("POST", "/campaigns"),
        ("GET", "/nothing"),
        ("DELETE", "/campaigns"),
        ("POST", "/health"),
    ):
        refused = await guarded.http.request(method, path, headers=headers)
        problem(refused, 401)
        assert refused.headers["www-authenticate"] == "Bearer"
    assert (await guarded.counts())["campaigns"] == 0


async def test_a_body_without_a_key_is_not_even_read(guarded: Served) -> None:
    problem(await guarded.http.post("/campaigns", content=b"x" * 2_000_000), 401)


async def test_probes_and_the_description_need_no_key(guarded: Served) -> None:
    for path in ("/health", "/ready", "/docs"):
        assert (await guarded.http.get(path)).status_code == 200
    document = (await guarded.http.get("/openapi.json")).json()
    assert document["paths"]["/campaigns"]["get"]["security"] == [{"key": ["read"]}]


async def test_a_revoked_key_opens_nothing_from_the_next_request_on(guarded: Served) -> None:
    made, token = await store.create_key(guarded.db, name="x", scopes=["read"], now=utc_now())
    headers = {"Authorization": f"Bearer {token}"}
    assert (await guarded.http.get("/campaigns", headers=headers)).status_code == 200
    revoked = await store.revoke_key(guarded.db, made.id, now=utc_now())
    assert revoked.revoked_at is not None
    problem(await guarded.http.get("/campaigns", headers=headers), 401)
    assert await store.revoke_key(guarded.db, made.id, now=utc_now()) == revoked
    with pytest.raises(NotFound):
        await store.revoke_key(guarded.db, uuid4(), now=utc_now())


async def test_another_callers_answers_are_not_given_away(guarded: Served) -> None:
    """The same Idempotency-Key of two callers is two keys."""
    first, second = await key(guarded.db, "write"), await key(guarded.db, "write")
    ids: set[int] = set()
    for each in (first, second, first):
        headers = {**each, "Idempotency-Key": "k"}
        made = await guarded.http.post("/campaigns", json=CAMPAIGN, headers=headers)
        ids.add(made.json()["id"])
    assert len(ids) == 2


async def test_the_client_brings_its_key(guarded: Served) -> None:
    _, token = await store.create_key(guarded.db, name="x", scopes=["read", "write"], now=utc_now())
    async with OmniClient(guarded.url, api_key=token) as client:
        assert await client.get_campaign((await client.create_campaign(**CAMPAIGN)).id)
    with pytest.raises(ApiProblem) as caught:
        await guarded.client.list_campaigns()
    assert caught.value.status == 401


async def test_only_digests_are_stored_and_use_is_noted_by_the_minute(db: Database) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert not await store.has_usable_key(db, now=now)
    made, token = await store.create_key(db, name=" ada ", scopes=["write", "read"], now=now)
    assert (made.name, made.scopes) == ("ada", ("read", "write"))
    assert await store.has_usable_key(db, now=now)
    assert made.hint is not None
    assert token.startswith(made.hint)
    await store.find_key(db, token, now=now)
    await store.find_key(db, token, now=now + timedelta(seconds=50))
    (listed,) = await store.list_keys(db)
    assert listed.last_used_at == now
    await store.revoke_key(db, made.id, now=now)
    assert not await store.has_usable_key(db, now=now)
    kept = str(await db.fetch(Query("all", "select * from api_keys")))
    assert token not in kept
    assert token[len(made.hint) :] not in kept
    for scopes in ([], ["read", "all"]):
        with pytest.raises(Rejected):
            await store.create_key(db, name="x", scopes=scopes, now=now)


async def test_on_this_machine_alone_no_key_is_needed_but_foreign_pages_are_kept_out(
    local: Served,
) -> None:
    rebound = {"Host": "evil.example"}
    problem(await local.http.get("/campaigns", headers=rebound), 403)
    problem(await local.http.post("/campaigns", json=CAMPAIGN, headers=rebound), 403)
    problem(await local.http.get("/openapi.json", headers=rebound), 403)
    foreign = {"Origin": "https://evil.example"}
    problem(await local.http.post("/campaigns", json=CAMPAIGN, headers=foreign), 403)
    plain = {"Content-Type": "text/plain"}
    problem(await local.http.post("/campaigns", content=b"{}", headers=plain), 415)
    assert (await local.counts())["campaigns"] == 0
    own = {"Origin": local.url, "Host": local.url.removeprefix("http://")}
    made = await local.http.post("/campaigns", json=CAMPAIGN, headers=own)
    assert made.status_code == 201
    assert "access-control-allow-origin" not in made.headers
