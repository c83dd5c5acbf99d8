"""What surrounds the routes: probes, the description, the crawler's own API, and the client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Response

from omni.api.app import create_api, create_crawler_app
from omni.base.errors import Transient
from omni.client.client import ApiProblem, ApiUnreachable, OmniClient
from omni.jobs.bullmq import BullBroker
from omni.storage.db import Database
from tests.api_fixtures import CAMPAIGN, Served, deps, problem, served, serving

SEED: dict[str, Any] = {"seed_type": "search", "seed_value": "solar"}


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


@pytest.fixture
async def crawler(db: Database) -> AsyncIterator[OmniClient]:
    async with (
        serving(create_crawler_app(deps(db))) as url,
        OmniClient(url) as client,
    ):
        yield client


class Silent:
    """A broker that does not answer, at once or ever."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def ping(self) -> None:
        if self._hangs:
            await asyncio.Event().wait()
        raise Transient("redis: connection refused")


async def test_ready_asks_both_servers(db: Database, valkey_url: str, queue_prefix: str) -> None:
    broker = BullBroker(valkey_url, prefix=queue_prefix)
    try:
        async with serving(create_api(deps(db, broker=broker))) as url, OmniClient(url) as client:
            assert (await client.ready()).checks == {"postgres": "ok", "broker": "ok"}
    finally:
        await broker.close()


@pytest.mark.parametrize("hangs", [False, True])
async def test_ready_names_what_is_missing_within_a_bound(db: Database, hangs: bool) -> None:
    broker = Silent(hangs=hangs)
    async with serving(create_api(deps(db, broker=broker))) as url, OmniClient(url) as client:
        with pytest.raises(ApiProblem) as caught:
            await client.ready()
        assert caught.value.status == 503
        assert caught.value.detail == "no answer from: broker"
        assert (await client.health()).status == "ok"


async def test_without_postgres_it_lives_is_not_ready_and_says_so(database_url: str) -> None:
    db = await Database.connect(database_url, size=2)
    async with served(db) as api:
        await db.close()
        assert (await api.http.get("/health")).status_code == 200
        assert "postgres" in problem(await api.http.get("/ready"), 503)["detail"]
        refused = await api.http.get("/campaigns")
        problem(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1


WITHOUT_KEY = {
    "/criteria/preview", "/campaigns/{campaign_id}/drafts/preview", "/people/export",  # no effect
    "/accounts/{account_id}/verify", "/suppressions/file",  # twice is as good as once
    "/keys",  # its secret is not kept
    "/webhooks/{source}",  # a delivery has an id of its own
}  # fmt: skip
"""Routes that ask by POST, and take no Idempotency-Key."""


async def test_the_description_holds_every_route_with_its_problems(api: Served) -> None:
    document = (await api.http.get("/openapi.json")).json()
    assert document["info"]["title"] == "Omni"
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert operation["description"], path
            good = [status for status in operation["responses"] if status.startswith("2")]
            assert len(good) == 1
            if good != ["204"]:  # which says that there is no content
                content = operation["responses"][good[0]]["content"]
                others = {"image/webp", "text/csv"} & content.keys()
                assert others or content["application/json"]["schema"], path
            if path != "/health":
                refusal = operation["responses"]["422"]["content"]
                assert refusal.keys() == {"application/problem+json"}
            if method == "post" and path not in WITHOUT_KEY:
                names = {parameter["name"] for parameter in operation.get("parameters", ())}
                assert "Idempotency-Key" in names, path
    for path, name in (("/campaigns", "CampaignIn"), ("/accounts", "AccountIn")):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert body["schema"]["$ref"].endswith(name)
        (example,) = schemas[name]["examples"]
        assert (await api.http.post(path, json=example)).status_code == 201
    leads = document["paths"]["/campaigns/{campaign_id}/leads"]["get"]
    assert {parameter["name"]: parameter["in"] for parameter in leads["parameters"]} == {
        "campaign_id": "path", "state": "query", "limit": "query", "cursor": "query",
    }  # fmt: skip
    _references_resolve(document)


def _references_resolve(document: dict[str, Any]) -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            if isinstance(reference, str):
                found: Any = document
                for step in reference.removeprefix("#/").split("/"):
                    found = found[step]
            for child in node.values():  # pyright: ignore[reportUnknownVariableType]
                walk(child)
        elif isinstance(node, list):
            for child in node:  # pyright: ignore[reportUnknownVariableType]
                walk(child)

    walk(document)


async def test_the_page_of_the_description_loads_nothing_from_elsewhere(api: Served) -> None:
    page = await api.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "POST /campaigns/{campaign_id}/discover" in page.text
    assert "://" not in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_crawler_takes_crawls_and_nothing_else(crawler: OmniClient, api: Served) -> None:
    accepted = await crawler.create_crawl_job(**SEED, crawl_config={"max_profiles": 5})
    assert accepted.status_url == f"/crawl/jobs/{accepted.job_id}"
    job = await crawler.get_crawl_job(accepted.job_id)
    assert (job.kind, job.queue, job.state) == ("crawl.seed", "crawl", "queued")
    assert job.args["platform"] == "synthetic"
    assert job.args["config"]["max_profiles"] == 5
    assert await api.client.get_job(accepted.job_id) == job
    campaign_id = await api.campaign_id()
    mine = await crawler.create_crawl_job(**SEED, platform="bluesky", campaign_id=campaign_id)
    assert (await crawler.get_crawl_job(mine.job_id)).campaign_id == campaign_id
    other = (await api.client.qualify(campaign_id)).job_id
    for refused, status, field in (
        (crawler.get_crawl_job(other), 404, None),
        (crawler.create_crawl_job(**SEED, campaign_id=campaign_id + 1), 404, None),
        (crawler.create_crawl_job(**SEED, platform="myspace"), 422, "platform"),
        (crawler.create_crawl_job(seed_type="likes", seed_value="x"), 422, "seed_type"),
        (crawler.create_crawl_job(**SEED, crawl_config={"max_depth": 9}), 422,
         "crawl_config.max_depth"),
        (crawler.list_campaigns(), 404, None),
    ):  # fmt: skip
        with pytest.raises(ApiProblem) as caught:
            await refused
        assert (caught.value.status, caught.value.field) == (status, field)
    assert (await crawler.health()).status == "ok"
    assert (await crawler.ready()).status == "ready"


async def test_the_client_tries_reads_again_and_writes_never() -> None:
    flaky = FastAPI()
    asked: list[str] = []

    @flaky.api_route("/campaigns/{number}", methods=["GET", "PATCH"])
    async def answer(number: int) -> Response:  # pyright: ignore[reportUnusedFunction]
        asked.append(str(number))
        return Response("upstream is away", 503)

    async with serving(flaky) as url, OmniClient(url) as client:
        with pytest.raises(ApiProblem) as caught:
            await client.get_campaign(1)
        assert caught.value.status == 503
        assert caught.value.detail == "upstream is away"
        with pytest.raises(ApiProblem):
            await client.update_campaign(2, name="x")
    assert asked == ["1", "1", "1", "2"]


async def test_the_client_says_where_nobody_answers() -> None:
    async with OmniClient("http://127.0.0.1:9", timeout_s=1) as client:
        with pytest.raises(ApiUnreachable, match=r"127\.0\.0\.1:9"):
            await client.qualify(1)


async def test_the_client_carries_every_mistake(api: Served) -> None:
    with pytest.raises(ApiProblem) as caught:
        await api.client.create_campaign(name="", criteria={}, threshold=2)
    assert [error.field for error in caught.value.errors] == ["name", "threshold"]
    assert str(caught.value).startswith("name: ")


async def test_it_ignores_proxies_of_the_environment_on_this_machine(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with OmniClient(api.url) as client:
        assert (await client.create_campaign(**CAMPAIGN)).id
