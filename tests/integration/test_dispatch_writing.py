"""A model writes within the budget, is asked once, and what it invents is not drafted."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest

from omni.base.errors import Fatal, Transient
from omni.campaigns import store as campaigns
from omni.campaigns.types import Campaign
from omni.dispatch import store
from omni.dispatch.drafting_types import Recipient
from omni.dispatch.drafting_work import draft, rehearse
from omni.dispatch.writing import PROMPT_VERSION
from omni.dispatch.writing_work import Author, write_with
from omni.leads import suppressions_store as suppressions
from omni.llm.openai import OpenAIJudge
from omni.llm.pace import Retries
from omni.llm.pool import Pool
from omni.llm.ports import Meter
from omni.llm.types import Prices
from omni.qualification.ledger import LedgerMeter
from omni.qualification.recordings import About
from omni.qualification.recordings_store import KeptRecordings, Recorder
from omni.storage.db import Database
from tests.api_fixtures import served
from tests.dispatch_fixtures import NOW, add_campaign, add_leads, rows, watched
from tests.llm_fixtures import Asked, ModelServer, running_model_server


def honest(asked: Asked) -> str:
    """Write as an obedient model would: with the first quote of the evidence."""
    known = re.findall(r"^\{\"evidence.*\}$", asked.text, re.MULTILINE)
    quote = json.loads(known[-1])["evidence"][0]["quote"]
    text = f"I read that you wrote “{quote}”."
    return json.dumps({"text": text, "claims": [{"claim": text, "quote": quote}]})


def inventive(asked: Asked) -> str:
    return json.dumps({"text": "Oslo is great.", "claims": []})


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    with running_model_server() as running:
        running.reply = honest
        yield running


def author(
    db: Database, campaign: Campaign, *servers: ModelServer, models: Sequence[str] = ("llama3.1",)
) -> Author:
    """Return an author with one model of each of these servers, the first preferred."""
    pools = [
        Pool(
            OpenAIJudge(
                server.openai_url, model, api_key=None, timeout_s=30, max_tokens=600, concurrency=2
            ),
            retries=Retries(attempts=1),
        )
        for server, model in zip(servers, models, strict=True)
    ]

    def meter(person: Recipient, purpose: str) -> Meter:
        about = About(campaign.id, person.profile_id, None, campaign.criteria_hash, PROMPT_VERSION)
        ledger = LedgerMeter(
            db, lambda: NOW, purpose, Prices(), campaign_id=campaign.id,
            profile_id=person.profile_id, job_id=uuid4(),
        )  # fmt: skip
        return Recorder(ledger, db, about, lambda: NOW)

    return Author(pools, KeptRecordings(db), meter)


async def _campaign(db: Database, leads: int) -> Campaign:
    campaign = await add_campaign(db)
    await add_leads(db, campaign, leads)
    return await campaigns.update(db, campaign.id, now=NOW, writer="model")


async def test_a_models_text_waits_for_approval_with_its_claims(
    db: Database, server: ModelServer
) -> None:
    campaign = await _campaign(db, 3)
    write = write_with(author(db, campaign, server), campaign)
    reports = await asyncio.gather(*(draft(db, campaign, now=NOW, write=write) for _ in range(2)))
    assert sum(report.drafted for report in reports) == 3
    (message, *_) = await store.list_messages(db, campaign_id=campaign.id)
    assert message.body == "I read that you wrote “I climb”."
    assert (message.state, message.writer) == ("pending", "model")
    assert message.claims == [{"claim": message.body, "quote": "I climb"}]
    calls = await rows(db, "select purpose, outcome from llm_calls")
    assert {(row["purpose"], row["outcome"]) for row in calls} == {("draft", "answered")}
    assert (await draft(db, campaign, now=NOW, write=write)).drafted == 0


async def test_what_a_model_invents_is_sent_back_once_and_then_not_drafted(
    db: Database, server: ModelServer
) -> None:
    campaign = await _campaign(db, 1)
    server.reply = inventive
    write = write_with(author(db, campaign, server), campaign)
    report = await draft(db, campaign, now=NOW, write=write)
    assert (report.drafted, [("oslo" in why.casefold()) or why for why in report.skipped]) == (
        0, [True],
    )  # fmt: skip
    assert len(server.requests) == 2
    assert "could not be used" in server.requests[1].text
    await draft(db, campaign, now=NOW, write=write)
    assert len(server.requests) == 2  # what it answered is kept, and not paid for again
    purposes = await rows(db, "select purpose from llm_calls order by id")
    assert [row["purpose"] for row in purposes] == ["draft", "redraft"]


async def test_a_worker_that_dies_before_the_draft_is_written_pays_once(
    db: Database, database_url: str, server: ModelServer
) -> None:
    campaign = await _campaign(db, 1)

    async def die(moment: str) -> None:
        if moment == "before insert_drafts":
            raise KeyboardInterrupt

    async with watched(database_url, die) as other:
        write = write_with(author(db, campaign, server), campaign)
        with pytest.raises(KeyboardInterrupt):
            await draft(other, campaign, now=NOW, write=write)
    assert len(server.requests) == 1
    assert (await draft(db, campaign, now=NOW, write=write)).drafted == 1
    assert len(server.requests) == 1


async def test_an_opt_out_while_the_model_writes_leaves_no_draft(
    db: Database, server: ModelServer
) -> None:
    campaign = await _campaign(db, 2)
    loop = asyncio.get_running_loop()

    def suppressing(asked: Asked) -> str:
        if "user-p1" in asked.text:
            asyncio.run_coroutine_threadsafe(
                suppressions.suppress(
                    db, platform="synthetic", platform_id="p1", reason="r", source="s", now=NOW
                ),
                loop,
            ).result(10)
        return honest(asked)

    server.reply = suppressing
    report = await draft(
        db, campaign, now=NOW, write=write_with(author(db, campaign, server), campaign)
    )
    assert report.drafted == 1
    drafted = await rows(db, "select platform_id from messages")
    assert [row["platform_id"] for row in drafted] == ["p2"]


async def test_a_spent_budget_ends_the_drafting_cleanly(db: Database, server: ModelServer) -> None:
    campaign = await _campaign(db, 4)
    await rows(db, "update campaigns set daily_call_limit = 2")
    write = write_with(author(db, campaign, server), campaign)
    report = await draft(db, campaign, now=NOW, write=write)
    assert (report.drafted, report.note.startswith("budget until")) == (2, True)
    assert len(server.requests) == 2


async def test_a_model_that_is_down_is_not_asked_for_everybody(db: Database) -> None:
    campaign = await _campaign(db, 30)
    with running_model_server() as running:
        asked = author(db, campaign, running)
    with pytest.raises(Transient):
        await draft(db, campaign, now=NOW, write=write_with(asked, campaign))
    calls = await rows(db, "select count(*) as n from llm_calls")
    assert calls[0]["n"] < 15


BOTH = ("llama3.1", "stand-in")


async def test_a_model_that_is_down_leaves_the_writing_to_the_next(
    db: Database, server: ModelServer
) -> None:
    campaign = await _campaign(db, 3)
    server.models.add("stand-in")
    with running_model_server() as down:
        asked = author(db, campaign, down, server, models=BOTH)
    report = await draft(db, campaign, now=NOW, write=write_with(asked, campaign))
    assert report.drafted == 3
    assert len(server.requests) == 3  # nobody is written to twice, whoever writes
    calls = await rows(
        db, "select model, outcome, count(*) as n from llm_calls group by 1, 2 order by 1"
    )
    assert [(row["model"], row["outcome"]) for row in calls] == [
        ("openai/llama3.1", "failed"), ("openai/stand-in", "answered"),
    ]  # fmt: skip
    assert calls[1]["n"] == 3


async def test_what_the_stand_in_wrote_is_the_draft_though_the_first_is_back(
    db: Database, database_url: str, server: ModelServer
) -> None:
    campaign = await _campaign(db, 1)
    server.models.add("stand-in")

    async def die(moment: str) -> None:
        if moment == "before insert_drafts":
            raise KeyboardInterrupt

    with running_model_server() as down:
        asked = author(db, campaign, down, server, models=BOTH)
    async with watched(database_url, die) as other:
        with pytest.raises(KeyboardInterrupt):
            await draft(other, campaign, now=NOW, write=write_with(asked, campaign))
    back = author(db, campaign, server, server, models=BOTH)
    assert (await draft(db, campaign, now=NOW, write=write_with(back, campaign))).drafted == 1
    assert [asked.body["model"] for asked in server.requests] == ["stand-in"]


async def test_a_model_that_cannot_work_is_asked_once_and_stood_in_for(
    db: Database, server: ModelServer
) -> None:
    campaign = await _campaign(db, 6)
    server.models = {"stand-in"}
    asked = author(db, campaign, server, server, models=BOTH)
    report = await draft(db, campaign, now=NOW, write=write_with(asked, campaign))
    assert report.drafted == 6
    missing = [asked for asked in server.requests if asked.body["model"] == "llama3.1"]
    assert len(missing) <= 2  # those that were under way together
    server.models = set()
    await rows(db, "delete from messages")
    await rows(db, "delete from llm_recordings")
    alone = author(db, campaign, server, server, models=BOTH)
    with pytest.raises(Fatal):
        await draft(db, campaign, now=NOW, write=write_with(alone, campaign))


async def test_a_fallback_pays_from_the_same_budget(db: Database, server: ModelServer) -> None:
    campaign = await _campaign(db, 4)
    server.models.add("stand-in")
    await rows(db, "update campaigns set daily_call_limit = 3")
    with running_model_server() as down:
        asked = author(db, campaign, down, server, models=BOTH)
    report = await draft(db, campaign, now=NOW, write=write_with(asked, campaign))
    assert report.note.startswith("budget until")
    made = await rows(db, "select outcome from llm_calls")
    spent = await rows(db, "select calls from llm_budgets")
    assert (len(made), spent[0]["calls"]) == (3, 3)
    assert report.drafted == len(server.requests) <= 2


async def test_why_nobody_is_drafted_for_is_told(db: Database, server: ModelServer) -> None:
    campaign = await _campaign(db, 6)
    with running_model_server() as down:
        asked = author(db, campaign, down)
    with pytest.raises(Transient):
        await draft(db, campaign, now=NOW, write=write_with(asked, campaign))
    judges = asked.callers
    async with served(db, judges=judges, clock=lambda: NOW) as api:  # pyright: ignore[reportArgumentType]
        told = await api.client.drafting(campaign.id)
        assert (told.reason, told.recipients, told.since) == ("model down", 6, NOW)
        assert "openai/llama3.1" in told.words
        assert "OMNI_JUDGE_FALLBACK" in told.help
        back = author(db, campaign, server)
        await rehearse(db, campaign, now=NOW, write=write_with(back, campaign), limit=1)
        assert (await api.client.drafting(campaign.id)).reason is None
        await rows(db, "update campaigns set daily_call_limit = 1")
        assert (await api.client.drafting(campaign.id)).reason == "budget"
        await rows(db, "update campaigns set writer = 'template'")
        assert (await api.client.drafting(campaign.id)).reason is None
        await rows(db, "update campaigns set status = 'paused'")
        assert (await api.client.drafting(campaign.id)).reason == "campaign"


async def test_without_a_model_nothing_is_drafted_and_it_says_so(db: Database) -> None:
    report = await draft(db, await _campaign(db, 1), now=NOW)
    assert (report.drafted, "OMNI_JUDGE" in report.note) == (0, True)


async def test_a_preview_shows_the_final_texts_and_writes_nothing(
    db: Database, server: ModelServer
) -> None:
    campaign = await _campaign(db, 3)
    asked = author(db, campaign, server)
    judges = asked.callers
    async with served(db, judges=judges, clock=lambda: NOW) as api:  # pyright: ignore[reportArgumentType]
        before = await api.client.preview_drafts(campaign.id, limit=2)
        assert (len(before.items), before.unwritten, before.recipients) == (2, 2, 3)
        assert before.finish_at is None
        write = write_with(asked, campaign)
        assert (await rehearse(db, campaign, now=NOW, write=write, limit=2)).drafted == 2
        after = await api.client.preview_drafts(campaign.id, limit=2)
        assert [item.body for item in after.items] == ["I read that you wrote “I climb”."] * 2
        assert after.items[0].claims[0].quote == "I climb"
        tried = await api.client.preview_drafts(
            campaign.id, writer="template", message_template="Hello {{ username }}"
        )
        assert [item.body for item in tried.items] == [f"Hello user-p{n}" for n in (1, 2, 3)]
        await api.client.create_account(
            platform="synthetic", handle="me", hourly_limit=1, daily_limit=10
        )
        assert (await api.client.preview_drafts(campaign.id)).finish_at is not None
    assert await rows(db, "select id from messages") == []
    assert len(server.requests) == 2
    await draft(db, campaign, now=NOW, write=write)
    assert len(server.requests) == 3
    assert replace(campaign, writer="template").template_of(0) == campaign.message_template


async def test_a_worker_that_is_killed_in_the_middle_of_a_call_writes_nothing_twice(
    db: Database, database_url: str, server: ModelServer
) -> None:
    campaign = await _campaign(db, 3)
    server.next_faults("hang", "hang")
    command = [
        sys.executable, "-m", "tests.integration.draft_process", database_url, server.openai_url,
        str(campaign.id),
    ]  # fmt: skip
    worker = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(60):
            while len(server.requests) < 2:  # noqa: ASYNC110 - another thread serves
                await asyncio.sleep(0.05)
    finally:
        worker.kill()
        await worker.wait()
    assert await rows(db, "select id from messages") == []
    for _ in range(2):
        write = write_with(author(db, campaign, server), campaign)
        await draft(db, campaign, now=NOW, write=write)
    drafted = await rows(db, "select distinct platform_id from messages")
    assert len(drafted) == 3
    calls = await rows(db, "select outcome, count(*) as n from llm_calls group by 1 order by 1")
    assert [(row["outcome"], row["n"]) for row in calls] == [("answered", 3), ("open", 2)]
    (spent,) = await rows(db, "select calls from llm_budgets")
    assert spent["calls"] == len(server.requests) == 5, "what was under way is paid for, once"
