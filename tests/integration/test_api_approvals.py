"""Over HTTP: many messages at once, how a campaign writes, and its autopilot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from omni.cli.main import run
from omni.client.client import ApiProblem
from omni.storage.db import Database
from tests.api_fixtures import CAMPAIGN, Served, problem, served
from tests.integration.test_api_messages import add_message, message, runs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db, clock=lambda: NOW) as running:
        yield running


async def _waiting(api: Served, count: int) -> list[int]:
    leads = await api.add_leads(await api.campaign_id(), range(count))
    return [await add_message(api, lead_id) for lead_id in leads]


async def test_each_message_of_a_batch_stands_for_itself(api: Served) -> None:
    one, two, three = await _waiting(api, 3)
    hashes = {n: (await message(api, n))["body_hash"] for n in (one, two, three)}
    await api.client.edit_message(two, "Changed meanwhile")
    batch = await api.client.approve_messages({**hashes, 99_999: "0" * 64})
    assert [item.outcome for item in batch.items] == ["done", "conflict", "done", "not found"]
    assert (batch.done, "look at it again" in (batch.items[1].problem or "")) == (2, True)
    kept = [await message(api, n) for n in (one, two, three)]
    assert [row["state"] for row in kept] == ["approved", "pending", "approved"]
    assert kept[0]["approved_by"] == "person"
    assert len(await runs(api, "dispatch.dm")) == 1


async def test_a_batch_of_edits_voids_approvals_and_a_batch_of_rejections_is_final(
    api: Served,
) -> None:
    one, two = await _waiting(api, 2)
    await api.client.approve_message(one, (await message(api, one))["body_hash"])
    edited = await api.client.edit_messages({one: "Anew", two: "x" * 5_000})
    assert [item.outcome for item in edited.items] == ["done", "rejected"]
    row = await message(api, one)
    assert (row["state"], row["approved_hash"], row["writer"]) == ("pending", None, "person")
    assert row["body_hash"] == edited.items[0].body_hash
    assert (await api.client.reject_messages([one, two, one])).done == 2
    again = await api.client.reject_messages([one])
    assert again.items[0].outcome == "conflict"


async def test_an_edit_never_takes_the_place_of_somebody_elses(api: Served) -> None:
    one, two = await _waiting(api, 2)
    read = {n: (await message(api, n))["body_hash"] for n in (one, two)}
    await api.client.edit_message(two, "Theirs", read=read[two])
    batch = await api.client.edit_messages({one: "Mine", two: "Mine too"}, read=read)
    assert [item.outcome for item in batch.items] == ["done", "conflict"]
    assert "somebody has changed" in (batch.items[1].problem or "")
    assert [(await message(api, n))["body"] for n in (one, two)] == ["Mine", "Theirs"]
    with pytest.raises(ApiProblem) as told:
        await api.client.edit_message(two, "Mine too", read=read[two])
    assert told.value.status == 409
    now = (await message(api, two))["body_hash"]
    assert (await api.client.edit_messages({two: "Mine too"}, read={two: now})).done == 1


async def test_a_batch_is_sent_once_for_its_key_and_bounded(api: Served) -> None:
    (one,) = await _waiting(api, 1)
    for _ in range(2):
        assert (await api.client.reject_messages([one], idempotency_key="k")).done == 1
    wrong: list[dict[str, list[int]]] = [
        {"ids": []},
        {"ids": [0]},
        {"ids": list(range(1, 202))},
        {"id": [1]},
    ]
    for body in wrong:
        problem(await api.http.post("/messages/reject", json=body), 422)


async def test_a_campaign_says_who_writes_and_what_follows(api: Served) -> None:
    steps = [{"delay_hours": 48, "template": "Still there, {{ name }}?"}]
    campaign = await api.client.create_campaign(**CAMPAIGN, writer="model", follow_ups=steps)
    assert (campaign.writer, campaign.follow_ups[0].delay_hours) == ("model", 48)
    changed = await api.client.update_campaign(campaign.id, name="Other", writer="template")
    assert (changed.writer, len(changed.follow_ups)) == ("template", 1)
    assert (await api.client.update_campaign(campaign.id, follow_ups=[])).follow_ups == []
    for wrong, field in (
        ([{"delay_hours": 0, "template": "x"}], "follow_ups[0].delay_hours"),
        ([{"delay_hours": 1, "template": " "}], "follow_ups[0].template"),
        ([{"delay_hours": 1, "template": "{{ nme }}"}], "follow_ups[0].template"),
        ([{"delay_hours": 1, "template": "{{ name.__class__ }}"}], "follow_ups[0].template"),
    ):
        with pytest.raises(ApiProblem) as caught:
            await api.client.update_campaign(campaign.id, follow_ups=wrong)
        assert caught.value.status == 422
        assert field in str(caught.value)


async def test_only_its_own_call_sets_an_autopilot(api: Served) -> None:
    campaign_id = await api.campaign_id()
    assert (await api.client.autopilot(campaign_id)).daily_cap is None
    patched = await api.http.patch(f"/campaigns/{campaign_id}", json={"autopilot_cap": 5})
    problem(patched, 422)
    pilot = await api.client.set_autopilot(campaign_id, 5)
    assert (pilot.daily_cap, pilot.since, pilot.used) == (5, NOW, 0)
    assert (await api.client.get_campaign(campaign_id)).autopilot_cap == 5
    assert len(await runs(api, "dispatch.draft")) == 1
    (lead_id,) = await api.add_leads(campaign_id, range(1))
    approved = {"state": "approved", "approved_by": "autopilot", "approved_at": NOW}
    row = await add_message(api, lead_id, **approved)
    assert (await api.client.autopilot(campaign_id)).used == 1
    off = await api.client.set_autopilot(campaign_id, None)
    assert (off.daily_cap, off.since, off.used, off.taken_back) == (None, None, 0, 1)
    assert (await message(api, row))["state"] == "pending"
    for wrong in (0, 1_001, 1.5):
        answer = await api.http.put(
            f"/campaigns/{campaign_id}/autopilot", json={"daily_cap": wrong}
        )
        problem(answer, 422)


async def test_an_autopilot_goes_off_when_what_it_sends_is_changed(
    api: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign_id = await api.campaign_id()
    (lead_id,) = await api.add_leads(campaign_id, range(1))
    await api.client.set_autopilot(campaign_id, 5)
    approved = {"state": "approved", "approved_by": "autopilot", "approved_at": NOW}
    row = await add_message(api, lead_id, **approved)
    kept = await api.client.update_campaign(campaign_id, threshold=0.9, brief="Other words")
    assert (kept.autopilot_cap, kept.autopilot_off_because) == (5, None)
    changed = await api.client.update_campaign(campaign_id, message_template="Buy {{ name }}!")
    assert (changed.autopilot_cap, changed.autopilot_since, changed.autopilot_off_at) == (
        None, None, NOW,
    )  # fmt: skip
    assert "the first message" in (changed.autopilot_off_because or "")
    assert (await message(api, row))["state"] == "pending"
    off = await api.client.autopilot(campaign_id)
    assert (off.daily_cap, off.off_because) == (None, changed.autopilot_off_because)
    monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
    assert await asyncio.to_thread(run, ["autopilot", str(campaign_id)]) == 0
    assert "went off by itself" in capsys.readouterr().out
    # Only a person turns it on again, and then nothing is told of before.
    await api.client.update_campaign(campaign_id, message_template="Hi {{ name }}!")
    assert (await api.client.get_campaign(campaign_id)).autopilot_cap is None
    again = await api.client.set_autopilot(campaign_id, 5)
    assert (again.daily_cap, again.off_because) == (5, None)


async def test_the_command_line_previews_drafts_and_sets_an_autopilot(
    api: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = await api.client.create_campaign(**CAMPAIGN, message_template="Hi {{ name }}")
    monkeypatch.setenv("OMNI_API_PORT", str(urlsplit(api.url).port))
    number = str(campaign.id)
    assert await asyncio.to_thread(run, ["drafts", number, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipients"] == 0
    assert await asyncio.to_thread(run, ["autopilot", number, "--daily-cap", "3"]) == 0
    assert "0 of 3 messages" in capsys.readouterr().out
    assert (await api.client.autopilot(campaign.id)).daily_cap == 3
    assert await asyncio.to_thread(run, ["autopilot", number, "--off"]) == 0
    assert (await api.client.autopilot(campaign.id)).daily_cap is None
    assert await asyncio.to_thread(run, ["autopilot", number, "--off", "--daily-cap", "1"]) == 2
    started = await api.client.run_now("dispatch.follow_up")
    assert started.kind == "dispatch.follow_up"


async def test_a_preview_refuses_a_wrong_template_also_where_nobody_is_left(api: Served) -> None:
    path = f"/campaigns/{await api.campaign_id()}/drafts/preview"
    answer = await api.http.post(path, json={"message_template": "Hi {{ nobody }}"})
    assert problem(answer, 422)["field"] == "message_template"
