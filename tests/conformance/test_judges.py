"""What every judge keeps to, and how those with a server meet one that fails."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from omni.base.errors import Fatal, Rejected, Transient
from omni.base.settings import Settings
from omni.llm.factory import build_pools
from omni.llm.ollama import OllamaJudge
from omni.llm.openai import OpenAIJudge
from omni.llm.pace import OPENS_AFTER, Retries
from omni.llm.pool import Pool, Resting, TooSlow
from omni.llm.ports import Answer, Image, Judge, Prompt, Turn, Unfinished, Unmetered
from omni.llm.remote import MAX_ANSWER_CHARS
from omni.llm.replay import ReplayJudge, recording_key
from omni.llm.rules import RulesJudge
from omni.qualification.plan import build_question
from omni.qualification.reading import read_verdict
from omni.qualification.types import Refusal, Verdict
from tests.llm_fixtures import Fault, ModelServer, running_model_server

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
}
PICTURE = Image("image/webp", b"RIFF\x00\xff")
PASSING: list[Fault] = ["500", "503", "429", "half", "html", "mid-stream error"]
NO_VERDICT: list[Fault] = ["whitespace", "10 MB", "NaN", "twice", "wrong schema", "refusal"]


@pytest.fixture(scope="module")
def running() -> Iterator[ModelServer]:
    with running_model_server() as stand_in:
        yield stand_in


@pytest.fixture
def server(running: ModelServer) -> ModelServer:
    running.forget()
    return running


def ollama(server: ModelServer, **changes: Any) -> OllamaJudge:
    settings: dict[str, Any] = {"model": "llama3.1", "timeout_s": 20.0, "concurrency": 2}
    return OllamaJudge(server.url, max_tokens=MAX_TOKENS, **(settings | changes))


def ollama_chat(server: ModelServer, **changes: Any) -> OllamaJudge:
    return ollama(server, api="chat", **changes)


def openai(server: ModelServer, **changes: Any) -> OpenAIJudge:
    settings: dict[str, Any] = {
        "model": "llama3.1", "api_key": None, "timeout_s": 20.0, "concurrency": 2,
    }  # fmt: skip
    return OpenAIJudge(server.openai_url, max_tokens=MAX_TOKENS, **(settings | changes))


class Tape:
    """Recordings made on the way, as if a run had gone before."""

    async def find(self, key: str) -> Answer | None:
        answers = {
            recording_key("rules-1", prompt_about(view)): await RulesJudge().ask(prompt_about(view))
            for view in (VIEW, SILENT)
        }
        return answers.get(key)


SILENT = {"platform": "bluesky", "username": "x", "is_bot": False, "followers": 900}
MAKERS: dict[str, Callable[[ModelServer], Judge]] = {
    "rules": lambda server: RulesJudge(),
    "ollama": ollama,
    "ollama chat": ollama_chat,
    "openai": openai,
    "replay": lambda server: ReplayJudge(Tape(), "rules-1"),
}
REMOTE: list[Callable[..., Judge]] = [ollama, ollama_chat, openai]


@pytest.fixture(params=MAKERS)
async def judge(request: pytest.FixtureRequest, server: ModelServer) -> AsyncIterator[Judge]:
    judge = MAKERS[request.param](server)
    yield judge
    await judge.close()


@pytest.fixture(params=REMOTE)
async def remote(request: pytest.FixtureRequest, server: ModelServer) -> AsyncIterator[Judge]:
    judge = request.param(server)
    yield judge
    await judge.close()


def pooled(judge: Judge, attempts: int = 3) -> Pool:
    return Pool(judge, retries=Retries(attempts=attempts, base_s=0.001))


def prompt_about(view: dict[str, Any], **parts: Any) -> Prompt:
    asked = build_question(
        brief="Photographers who shoot landscapes on film",
        criteria={"field": "followers", "op": ">=", "value": 100},
        english="followers is at least 100",
        view=view,
    )
    return Prompt(asked.system, asked.user, asked.schema, facts=asked.facts, **parts)


async def test_an_answer_is_a_verdict_of_the_schema(judge: Judge) -> None:
    answer = await judge.ask(prompt_about(VIEW))
    assert answer.complete
    assert not answer.refused
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
    answer = await judge.ask(prompt_about(SILENT))
    verdict = read_verdict(answer.text, answer.complete, SILENT)
    assert isinstance(verdict, Verdict)
    assert not verdict.qualified


async def test_calls_run_side_by_side(judge: Judge) -> None:
    assert judge.model
    assert judge.concurrency >= 1
    answers = await asyncio.gather(*(judge.ask(prompt_about(VIEW)) for _ in range(8)))
    assert len({answer.text for answer in answers}) == 1


async def test_a_judge_that_can_work_is_well(judge: Judge) -> None:
    health = await judge.health()
    assert health.ok
    assert health.detail
    assert health.models


async def test_ollamas_requests_are_what_it_documents(server: ModelServer) -> None:
    prompt = prompt_about(VIEW, images=(PICTURE,))
    for judge in (ollama(server, images=1, keep_alive="10m"), ollama_chat(server, images=1)):
        answer = await judge.ask(prompt)
        assert answer.prompt_tokens
        assert answer.answer_tokens
    generate, chat = server.requests
    assert generate.body["model"] == "llama3.1"
    assert generate.body["format"] == prompt.schema
    assert generate.body["system"] == prompt.system
    assert generate.body["keep_alive"] == "10m"
    assert generate.body["options"]["num_predict"] == MAX_TOKENS
    assert generate.body["options"]["temperature"] == 0
    assert b64decode(generate.body["images"][0]) == PICTURE.data
    assert [message["role"] for message in chat.body["messages"]] == ["system", "user"]
    assert b64decode(chat.body["messages"][1]["images"][0]) == PICTURE.data
    assert chat.path == "/api/chat"


async def test_openais_request_is_what_it_documents(server: ModelServer) -> None:
    server.key = "k"
    prompt = prompt_about(VIEW, images=(PICTURE,))
    answer = await openai(server, api_key="k", images=1).ask(prompt)
    (asked,) = server.requests
    named = asked.body["response_format"]["json_schema"]
    assert (named["schema"], named["strict"]) == (prompt.schema, True)
    assert asked.body["max_tokens"] == MAX_TOKENS
    assert asked.body["temperature"] == 0
    url = asked.body["messages"][1]["content"][1]["image_url"]["url"]
    kind, _, data = url.partition(";base64,")
    assert (kind, b64decode(data)) == ("data:image/webp", PICTURE.data)
    assert (answer.prompt_tokens, answer.answer_tokens) != (None, None)


async def test_a_model_that_does_not_see_is_shown_no_pictures(remote: Judge) -> None:
    assert (await remote.ask(prompt_about(VIEW, images=(PICTURE,)))).complete


async def test_a_conversation_goes_on_where_it_was(remote: Judge, server: ModelServer) -> None:
    turns = (Turn("assistant", "{"), Turn("user", "That was no JSON."))
    await remote.ask(prompt_about(VIEW, turns=turns))
    (asked,) = server.requests
    roles = [message["role"] for message in asked.body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert asked.text.endswith("That was no JSON.")


async def test_another_way_to_say_the_schema_is_tried_once_and_kept(server: ModelServer) -> None:
    server.knows_json_schema = False
    pool = pooled(openai(server))
    for _ in range(2):
        assert (await pool.ask(prompt_about(VIEW), Unmetered())).complete
    kinds = [asked.body["response_format"]["type"] for asked in server.requests]
    assert kinds == ["json_schema", "json_object", "json_object"]
    assert server.requests[-1].body["response_format"]["schema"] == prompt_about(VIEW).schema


@pytest.mark.parametrize("fault", PASSING)
async def test_a_passing_fault_is_tried_again(
    remote: Judge, server: ModelServer, fault: Fault
) -> None:
    server.next_faults(fault)
    answer = await pooled(remote).ask(prompt_about(VIEW), Unmetered())
    assert isinstance(read_verdict(answer.text, answer.complete, VIEW), Verdict)
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", PASSING)
async def test_attempts_are_bounded(remote: Judge, server: ModelServer, fault: Fault) -> None:
    server.faults.extend(fault for _ in range(10))
    with pytest.raises(Transient, match=r"ollama|openai"):
        await pooled(remote).ask(prompt_about(VIEW), Unmetered())
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", PASSING)
async def test_work_that_a_server_has_done_is_told_from_none(
    remote: Judge, server: ModelServer, fault: Fault
) -> None:
    server.next_faults(fault)
    with pytest.raises(Transient) as failed:
        await remote.ask(prompt_about(VIEW))
    assert isinstance(failed.value, Unfinished) == (fault in ("half", "html", "mid-stream error"))


@pytest.mark.parametrize("fault", NO_VERDICT)
async def test_what_is_no_verdict_is_an_answer_that_is_refused(
    remote: Judge, server: ModelServer, fault: Fault
) -> None:
    server.next_faults(fault)
    answer = await remote.ask(prompt_about(VIEW))
    assert isinstance(read_verdict(answer.text, answer.complete, VIEW), Refusal)
    assert len(answer.text) <= MAX_ANSWER_CHARS
    assert len(server.requests) == 1


@pytest.mark.parametrize("make", REMOTE)
async def test_a_server_that_hangs_is_left_in_time(
    server: ModelServer, make: Callable[..., Judge]
) -> None:
    server.next_faults("hang")
    with pytest.raises(TooSlow, match="OMNI_LLM_TIMEOUT_S"):
        await pooled(make(server, timeout_s=0.5)).ask(prompt_about(VIEW), Unmetered())
    assert len(server.requests) == 1


async def test_an_answer_without_end_is_hung_up_on(remote: Judge, server: ModelServer) -> None:
    server.next_faults("endless")
    answer = await remote.ask(prompt_about(VIEW))
    assert not answer.complete
    assert len(answer.text) == MAX_ANSWER_CHARS
    assert await asyncio.to_thread(server.hung_up.wait, 20)


async def test_a_missing_model_says_how_to_get_it(server: ModelServer) -> None:
    for judge, mend in (
        (ollama(server, model="no-such"), "ollama pull no-such"),
        (openai(server, model="no-such"), "OMNI_OPENAI_MODEL"),
    ):
        with pytest.raises(Fatal, match=mend):
            await judge.ask(prompt_about(VIEW))
        health = await judge.health()
        assert not health.ok
        assert mend in health.detail
        assert health.models


async def test_a_wrong_key_is_named_and_never_said(server: ModelServer) -> None:
    server.key = "right"
    with pytest.raises(Fatal, match="OMNI_OPENAI_API_KEY") as refused:
        await openai(server, api_key="sk-wrong").ask(prompt_about(VIEW))
    assert "sk-wrong" not in str(refused.value)


async def test_nobody_listening_is_transient_and_says_where() -> None:
    nobody = ModelServer(url="http://127.0.0.1:9")
    for judge in (ollama(nobody), openai(nobody)):
        with pytest.raises(Transient, match=r"nothing answers at http://127\.0\.0\.1:9"):
            await judge.ask(prompt_about(VIEW))
        health = await judge.health()
        assert not health.ok
        assert "nothing answers" in health.detail


async def test_a_server_that_is_down_is_left_alone(remote: Judge, server: ModelServer) -> None:
    server.faults.extend("500" for _ in range(100))
    pool = pooled(remote, attempts=1)
    for _ in range(OPENS_AFTER):
        with pytest.raises(Transient):
            await pool.ask(prompt_about(VIEW), Unmetered())
    assert pool.resting
    with pytest.raises(Resting):
        await pool.ask(prompt_about(VIEW), Unmetered())
    assert len(server.requests) == OPENS_AFTER


async def test_a_model_is_pulled_with_progress(server: ModelServer) -> None:
    said = list[tuple[str, int | None, int | None]]()
    await ollama(server, model="new").pull(
        lambda what, done, total: said.append((what, done, total))
    )
    assert ("pulling x", 5, 10) in said
    assert (await ollama(server, model="new").health()).ok
    with pytest.raises(Transient, match="does not exist"):
        await ollama(server, model="no-such").pull(lambda what, done, total: None)


async def test_a_proxy_of_the_environment_does_not_stand_before_loopback(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    for make in REMOTE:
        assert (await make(server).ask(prompt_about(VIEW))).complete


async def test_what_was_not_recorded_is_not_replayed() -> None:
    with pytest.raises(Fatal, match="recorded"):
        await ReplayJudge(Tape(), "rules-1").ask(prompt_about({"bio": "someone else"}))


async def test_the_settings_choose_the_judges(server: ModelServer) -> None:
    settings = Settings(
        judge="ollama", judge_fallback="openai, rules", ollama_base_url=server.url,
        openai_base_url=server.openai_url, openai_model="llama3.1",
    )  # fmt: skip
    pools = build_pools(settings)
    assert [pool.model for pool in pools] == ["ollama/llama3.1", "openai/llama3.1", "rules-1"]
    for pool in pools:
        assert (await pool.ask(prompt_about(VIEW), Unmetered())).complete
        await pool.close()
    assert build_pools(Settings(judge="off")) == ()
    for wrong in (
        {"judge_fallback": "rules"},
        {"judge_fallback": "gpt"},
        {"judge": "openai", "openai_model": ""},
    ):
        with pytest.raises(Rejected) as refused:
            build_pools(Settings(**wrong))  # pyright: ignore[reportArgumentType]
        assert (refused.value.field or "").startswith("OMNI_")


async def test_all_who_wait_hear_that_the_server_is_left_alone(server: ModelServer) -> None:
    server.faults.extend("500" for _ in range(100))
    judge = openai(server)
    pool = pooled(judge, attempts=1)
    calls = (pool.ask(prompt_about(VIEW), Unmetered()) for _ in range(OPENS_AFTER * 4))
    ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)
    assert all(isinstance(one, Transient) for one in ended)
    assert any(isinstance(one, Resting) for one in ended)
    await judge.close()


@pytest.mark.parametrize("make", [ollama, ollama_chat])
async def test_calls_one_after_the_other_keep_one_connection(
    server: ModelServer, make: Callable[[ModelServer], OllamaJudge]
) -> None:
    judge, prompt = make(server), prompt_about(VIEW)
    server.connections.clear()
    for _ in range(3):
        assert (await judge.ask(prompt)).complete
    assert len(server.connections) == 1
    server.next_faults("half")
    with pytest.raises(Transient):
        await judge.ask(prompt)
    assert (await judge.ask(prompt)).complete, "one that broke off is not used again"
    assert len(server.connections) == 2
    await judge.close()
