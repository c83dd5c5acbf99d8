"""Exports and erasures over HTTP: from the answer on nobody writes to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from omni.client.client import ApiProblem
from omni.storage.db import Database
from tests.api_fixtures import Served, problem, served

PERSON = "did:plc:0"


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


async def add_messages(api: Served) -> None:
    await api.add_leads(await api.campaign_id(), range(2))
    for step, state in enumerate(("pending", "approved", "claimed", "sent")):
        await api.rows(
            "insert into messages (campaign_id, lead_id, platform, platform_id, username, body,"
            " body_hash, state, step) select campaign_id, id, platform, platform_id, username,"
            " 'Hello', 'h', :state::text, :step::int from leads returning id",
            state=state,
            step=step,
        )


async def test_from_the_answer_on_nothing_goes_out_and_nothing_comes_in(api: Served) -> None:
    await add_messages(api)
    asked = await api.client.erase_person("bluesky", PERSON)
    assert asked.state == "open"
    states = await api.rows(
        "select platform_id = :person as theirs, array_agg(state order by step) as states"
        " from messages group by 1 order by 1",
        person=PERSON,
    )
    others, theirs = (row["states"] for row in states)
    assert others == ["pending", "approved", "claimed", "sent"]
    assert theirs == ["cancelled", "cancelled", "cancelled", "sent"]
    draft = (
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash, step)"
        " values (1, 'bluesky', :person, 'u', 'b', 'h', 9) returning id"
    )
    assert await api.rows(draft, person=PERSON) == []
    (job,) = await api.rows("select id, args::text from jobs where kind = 'people.erase'")
    assert job["id"] == asked.job_id
    assert PERSON not in job["args"]
    again = await api.client.erase_person("bluesky", PERSON)
    assert again.id == asked.id, "one erasure, with another job"
    assert again.job_id != asked.job_id
    assert [each.id for each in (await api.client.list_erasures()).items] == [asked.id]


async def test_a_person_may_be_named_by_a_name_that_is_theirs_alone(api: Served) -> None:
    await add_messages(api)
    given = await api.client.export_person("bluesky", "@User0.example")
    assert given.platform_id == PERSON
    assert len(given.tables["messages"].rows) == 4
    await api.rows("update profiles_raw set username = 'same.example' returning profile_id")
    with pytest.raises(ApiProblem) as caught:
        await api.client.erase_person("bluesky", "same.example")
    assert (caught.value.status, caught.value.field) == (422, "platform_id")
    assert (await api.client.list_erasures()).items == []


async def test_of_somebody_unknown_there_is_nothing_to_give(api: Served) -> None:
    given = await api.client.export_person("bluesky", "did:plc:nobody")
    assert not given.erased
    assert not any(table.rows for table in given.tables.values())
    erasure = await api.client.erase_person("bluesky", "did:plc:nobody")
    assert erasure.state == "open", "they are kept out all the same"


@pytest.mark.parametrize("person", ["", "*", "a\nb", "x" * 2_001])
async def test_what_names_nobody_is_refused(api: Served, person: str) -> None:
    body = {"platform": "bluesky", "platform_id": person}
    for path in ("/people/erase", "/people/export"):
        assert problem(await api.http.post(path, json=body), 422)
    assert problem(await api.http.get(f"/erasures/{uuid4()}"), 404)


@pytest.mark.parametrize("platform", ["Blueskyy", "nope", "*"])
async def test_a_platform_that_there_is_not_is_told_and_not_taken_for_an_empty_one(
    api: Served, platform: str
) -> None:
    for path in ("/people/export", "/people/erase", "/suppressions"):
        answer = await api.http.post(path, json={"platform": platform, "platform_id": PERSON})
        assert problem(answer, 422)["field"] == "platform"
    assert await api.rows("select id from erasures") == []
    assert await api.rows("select id from suppressions") == []


async def test_a_platform_is_known_in_any_letters(api: Served) -> None:
    await api.add_leads(await api.campaign_id(), range(1))
    given = await api.client.export_person("BlueSky", PERSON)
    assert (given.platform, len(given.tables["leads"].rows)) == ("bluesky", 1)
    await api.client.suppress(platform="BLUESKY", platform_id=PERSON)
    assert [each.platform for each in (await api.client.list_suppressions()).items] == ["bluesky"]


async def test_people_of_files_and_of_connectors_that_are_gone_have_the_same_rights(
    api: Served,
) -> None:
    """Nobody can be crawled on these platforms, and people of them are kept all the same."""
    await api.rows(
        "insert into profiles_raw (platform, platform_id, username, payload, content_hash)"
        " values ('forum', 'f1', 'ann', '{}', 'h') returning profile_id"
    )
    for platform, person in (("file", "p1"), ("forum", "f1")):
        await api.client.suppress(platform=platform, platform_id=person)
        await api.client.erase_person(platform, person)
    choices = [each.platform for each in await api.client.platforms("people")]
    assert choices == ["bluesky", "file", "synthetic"]
    assert [each.platform for each in await api.client.platforms("send")] == [
        "bluesky",
        "synthetic",
    ]
