"""The judge of OpenAI's protocol against a server that we did not write; its model knows nothing.

What it says is nonsense of the right form, which is what a range check is for: it must never become
a verdict that says yes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from omni.llm.openai import OpenAIJudge
from omni.llm.pace import Retries
from omni.llm.pool import Pool
from omni.llm.ports import Prompt, Unmetered
from omni.qualification.plan import build_question
from omni.qualification.reading import read_verdict
from omni.qualification.types import Refusal, Verdict
from tests.inference.server import InferenceServer

VIEW = {"platform": "bluesky", "username": "mara", "bio": "Landscape photographer on film."}


def judge_of(server: InferenceServer, **changes: object) -> OpenAIJudge:
    settings: dict[str, object] = {"model": server.model, "max_tokens": 400, "concurrency": 4}
    return OpenAIJudge(server.url, api_key=None, timeout_s=120, **(settings | changes))  # pyright: ignore[reportArgumentType]


@pytest.fixture
async def pool(inference_server: InferenceServer) -> AsyncIterator[Pool]:
    pool = Pool(judge_of(inference_server), retries=Retries(attempts=3, base_s=0.01))
    yield pool
    await pool.close()


def prompt() -> Prompt:
    asked = build_question(brief="Photographers", criteria={}, english="everybody", view=VIEW)
    return Prompt(asked.system, asked.user, asked.schema, facts=asked.facts)


async def test_an_answer_has_the_schemas_form_and_is_read_for_what_it_is(pool: Pool) -> None:
    answer = await pool.ask(prompt(), Unmetered())
    reading = read_verdict(answer.text, answer.complete, VIEW)
    assert isinstance(reading, Verdict | Refusal)
    assert not (isinstance(reading, Verdict) and reading.qualified)
    if answer.complete:
        assert json.loads(answer.text).keys() >= {"reasons", "qualified", "score", "confidence"}
    else:
        assert answer.text.lstrip().startswith("{")


async def test_an_answer_stops_at_the_cap_and_says_so(inference_server: InferenceServer) -> None:
    judge = judge_of(inference_server, max_tokens=8)
    answer = await Pool(judge, retries=Retries(base_s=0.01)).ask(prompt(), Unmetered())
    assert not answer.complete
    assert len(answer.text) <= 8 * 4
    assert isinstance(read_verdict(answer.text, answer.complete, VIEW), Refusal)
    await judge.close()


async def test_calls_side_by_side_all_come_back(pool: Pool) -> None:
    answers = await asyncio.gather(*(pool.ask(prompt(), Unmetered()) for _ in range(6)))
    assert all(answer.text for answer in answers)


async def test_the_server_says_what_it_has(inference_server: InferenceServer, pool: Pool) -> None:
    health = await pool.health()
    assert health.ok
    assert health.models == (inference_server.model,)
    other = judge_of(inference_server, model="other")
    assert not (await other.health()).ok
    await other.close()
