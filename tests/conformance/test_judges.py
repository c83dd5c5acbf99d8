"""What every judge keeps to, and how the one on Ollama meets a server that fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from omni.base.errors import Fatal, Transient
from omni.base.settings import Settings
from omni.llm.factory import build_judge
from omni.llm.ollama import MAX_ANSWER_CHARS, OllamaJudge, Retries
from omni.llm.ports import Judge, Prompt
from omni.llm.rules import RulesJudge
from omni.qualification.plan import build_question
from omni.qualification.reading import read_verdict
from omni.qualification.types import Refusal, Verdict
from tests.llm_fixtures import Fault, OllamaStandIn, running_ollama

MAX_TOKENS = 200
VIEW: dict[str, Any] = {
    "platform": "bluesky",
    "username": "mara.example",
    "name": "Mara",
    "bio": "Landscape photographer. I shoot film in the mountains.",
    "is_bot": False,
    "followers": 1200,
    "hashtags": ["filmphotography"],
    "posts": ["Developing yesterday's rolls of film."],
    "images": ["https://cdn.example/avatar.jpg"],
}


@pytest.fixture(scope="module")
def server() -> Iterator[OllamaStandIn]:
    with running_ollama() as stand_in:
        yield stand_in


@pytest.fixture
def ollama(server: OllamaStandIn) -> OllamaStandIn:
    server.requests.clear()
    server.faults.clear()
    server.hung_up.clear()
    return server


@pytest.fixture(params=["rules", "ollama"])
async def judge(request: pytest.FixtureRequest, ollama: OllamaStandIn) -> AsyncIterator[Judge]:
    judge = RulesJudge() if request.param == "rules" else ollama_judge(ollama.url)
    yield judge
    await judge.close()


def ollama_judge(url: str, **changes: Any) -> OllamaJudge:
    settings: dict[str, Any] = {
        "model": "llama3.1", "timeout_s": 5.0, "max_tokens": MAX_TOKENS, "concurrency": 2,
        "retries": Retries(attempts=3, base_s=0.001),
    }  # fmt: skip
    return OllamaJudge(url, **(settings | changes))


def prompt_about(view: dict[str, Any]) -> Prompt:
    asked = build_question(
        brief="Photographers who shoot landscapes on film",
        criteria={"field": "followers", "op": ">=", "value": 100},
        english="followers is at least 100",
        view=view,
    )
    return Prompt(asked.system, asked.user, asked.schema, asked.image_urls, asked.facts)


async def test_an_answer_is_a_verdict_of_the_schema(judge: Judge) -> None:
    answer = await judge.ask(prompt_about(VIEW))
    assert answer.complete
    assert answer.latency_ms > 0
    verdict = read_verdict(answer.text, answer.complete, VIEW)
    assert isinstance(verdict, Verdict)
    assert verdict.qualified
    assert verdict.reasons
    assert json.loads(answer.text).keys() == {"reasons", "qualified", "score", "confidence"}


async def test_the_same_question_gets_the_same_answer(judge: Judge) -> None:
    first = await judge.ask(prompt_about(VIEW))
    second = await judge.ask(prompt_about(VIEW))
    assert first.text == second.text


async def test_someone_without_words_does_not_qualify(judge: Judge) -> None:
    silent = {"platform": "bluesky", "username": "x", "is_bot": False, "followers": 900}
    answer = await judge.ask(prompt_about(silent))
    verdict = read_verdict(answer.text, answer.complete, silent)
    assert isinstance(verdict, Verdict)
    assert not verdict.qualified


async def test_calls_run_side_by_side(judge: Judge) -> None:
    assert judge.model
    assert judge.concurrency >= 1
    answers = await asyncio.gather(*(judge.ask(prompt_about(VIEW)) for _ in range(8)))
    assert len({answer.text for answer in answers}) == 1


async def test_the_request_is_what_ollama_documents(ollama: OllamaStandIn) -> None:
    prompt = prompt_about(VIEW)
    judge = ollama_judge(ollama.url)
    answer = await judge.ask(prompt)
    (request,) = ollama.requests
    assert request["model"] == "llama3.1"
    assert request["format"] == prompt.schema
    assert request["system"] == prompt.system
    assert "https://cdn.example/avatar.jpg" in request["prompt"]
    assert request["options"]["num_predict"] == MAX_TOKENS
    assert request["options"]["temperature"] == 0
    assert answer.prompt_tokens
    assert answer.answer_tokens


@pytest.mark.parametrize("fault", ["500", "503", "half", "html", "mid-stream error"])
async def test_a_passing_fault_is_tried_again(ollama: OllamaStandIn, fault: Fault) -> None:
    ollama.next_faults(fault)
    answer = await ollama_judge(ollama.url).ask(prompt_about(VIEW))
    assert isinstance(read_verdict(answer.text, answer.complete, VIEW), Verdict)
    assert len(ollama.requests) == 2


@pytest.mark.parametrize("fault", ["500", "503", "half", "html", "mid-stream error"])
async def test_attempts_are_bounded(ollama: OllamaStandIn, fault: Fault) -> None:
    ollama.faults.extend(fault for _ in range(10))
    with pytest.raises(Transient, match=ollama.url):
        await ollama_judge(ollama.url).ask(prompt_about(VIEW))
    assert len(ollama.requests) == 3


async def test_a_server_that_hangs_is_left_in_time(ollama: OllamaStandIn) -> None:
    ollama.next_faults("hang")
    with pytest.raises(Transient, match="OMNI_LLM_TIMEOUT_S"):
        await ollama_judge(ollama.url, timeout_s=0.3).ask(prompt_about(VIEW))
    assert len(ollama.requests) == 1


async def test_endless_white_space_ends_at_the_cap_and_is_no_verdict(ollama: OllamaStandIn) -> None:
    ollama.next_faults("whitespace")
    answer = await ollama_judge(ollama.url).ask(prompt_about(VIEW))
    assert not answer.complete
    assert answer.answer_tokens == MAX_TOKENS
    assert isinstance(read_verdict(answer.text, answer.complete, VIEW), Refusal)


async def test_an_answer_without_end_is_hung_up_on(ollama: OllamaStandIn) -> None:
    ollama.next_faults("endless")
    answer = await ollama_judge(ollama.url).ask(prompt_about(VIEW))
    assert not answer.complete
    assert len(answer.text) == MAX_ANSWER_CHARS
    assert await asyncio.to_thread(ollama.hung_up.wait, 5)


async def test_a_missing_model_says_how_to_get_it(ollama: OllamaStandIn) -> None:
    with pytest.raises(Fatal, match="ollama pull no-such"):
        await ollama_judge(ollama.url, model="no-such").ask(prompt_about(VIEW))
    assert len(ollama.requests) == 1


async def test_nobody_listening_is_transient_and_says_where() -> None:
    with pytest.raises(Transient, match=r"nothing answers at http://127\.0\.0\.1:9 "):
        await ollama_judge("http://127.0.0.1:9").ask(prompt_about(VIEW))


async def test_a_proxy_of_the_environment_does_not_stand_before_loopback(
    ollama: OllamaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert (await ollama_judge(ollama.url).ask(prompt_about(VIEW))).complete


async def test_the_settings_choose_the_judge(ollama: OllamaStandIn) -> None:
    rules = build_judge(Settings(judge="rules"))
    model = build_judge(Settings(judge="ollama", ollama_base_url=ollama.url))
    assert rules.model != model.model
    assert (await model.ask(prompt_about(VIEW))).complete
    await rules.close()
    await model.close()
