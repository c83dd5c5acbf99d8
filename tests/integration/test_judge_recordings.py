"""What was asked and answered is told of a lead and of a person, word for word."""

from __future__ import annotations

import pytest

from omni.client.client import ApiProblem
from omni.leads.work import promote
from omni.llm.ports import Answer
from omni.qualification.plan import PROMPT_VERSION
from omni.storage.db import Database
from tests.api_fixtures import served
from tests.qualification_fixtures import (
    BRIEF,
    FITTING,
    NOW,
    WatchedJudge,
    add_campaign,
    add_person,
    judge_all,
    rows,
    with_criteria,
)

HALF = "half a character: \ud83d"


async def test_a_lead_tells_what_its_verdict_came_from(db: Database) -> None:
    campaign = await add_campaign(db)
    mara = await add_person(db, "mara", candidate_of=campaign)
    broken = iter([Answer(HALF, complete=True, latency_ms=5.0, prompt_tokens=9, answer_tokens=1)])
    judge = WatchedJudge(instead=lambda bio: next(broken, None))
    await judge_all(db, judge, campaign)
    await promote(db, campaign, models=["rules-1"], prompt_version=PROMPT_VERSION, now=NOW)
    (lead,) = await rows(db, "select id from leads")
    async with served(db) as api:
        refused, kept = await api.client.lead_recordings(lead["id"])
        assert (refused.answer, refused.prompt_tokens) == ("half a character: ?", 9)
        assert FITTING in kept.user
        assert BRIEF in kept.system
        assert [turn.role for turn in kept.turns] == ["assistant", "user"]
        assert "could not be used" in kept.turns[1].text
        assert '"qualified":true' in kept.answer
        assert (kept.model, kept.complete, kept.refused) == ("rules-1", True, False)
        of_person = await api.client.recordings(campaign.id, mara)
        assert [one.key for one in of_person] == [kept.key, refused.key], "the newest first"

        # A verdict that outlived an edit still tells where it came from.
        edited = await with_criteria(db, campaign, least=2)
        assert (await judge_all(db, judge, edited)).carried == 1
        await promote(db, edited, models=["rules-1"], prompt_version=PROMPT_VERSION, now=NOW)
        assert [one.key for one in await api.client.lead_recordings(lead["id"])] == [
            refused.key,
            kept.key,
        ]
        for call in (api.client.lead_recordings(999), api.client.recordings(999, mara)):
            with pytest.raises(ApiProblem) as problem:
                await call
            assert problem.value.status == 404
        assert await api.client.recordings(campaign.id, 999) == []
