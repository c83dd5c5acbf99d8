"""Previews and explanations over HTTP, held against what the tables really do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from omni.api import preview
from omni.api.preview import FEW, extrapolate
from omni.campaigns import store as campaigns
from omni.candidates.work import refresh
from omni.qualification.plan import PROMPT_VERSION
from omni.qualification.types import MOST_REFUSALS
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.api_fixtures import Served, problem, served
from tests.candidates_fixtures import NOW, add_campaign, add_profiles, evaluated, held, target_of
from tests.scans import measured

OLD = {"field": "followers", "op": "<", "value": 500}
NEW = {
    "all": [
        {"field": "followers", "op": ">=", "value": 300},
        {
            "any": [
                {"field": "country", "op": "in", "value": ["de", "at"]},
                {"not": {"field": "bio", "op": "matches", "value": "solar"}},
            ]
        },
    ]
}
ANALYZE = Query("analyze", "analyze profile_features")
FILL = Query(
    "fill",
    """
    with raw as (
        insert into profiles_raw (platform, platform_id, username, payload, content_hash)
        select 'big', 'x' || n, 'user' || n, '{}', '' from generate_series(1, 40000) n
        returning profile_id, username
    )
    insert into profile_features (profile_id, platform, username, bio, followers, has_avatar,
        is_bot, signals, search, view, view_hash, version_hash)
    select profile_id, 'big', username, repeat('solar ', 20), profile_id % 1000, true, false,
        array_fill(0.5::float8, array[8]), '', '{}', '', ''
    from raw
    """,
)
JUDGE = Query(
    "judge",
    """
    insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash, model,
        prompt_version, outcome, qualified, score, raw, latency_ms)
    select :campaign_id, p, 'x', :view_hash, :criteria_hash, 'm', :prompt_version, 'verdict', true,
        1, '', 1
    from unnest(:ids::bigint[]) p
    """,
)
REFUSE = Query(
    "refuse",
    """
    insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash, model,
        prompt_version, outcome, raw, latency_ms)
    select :campaign_id, p, 'x', '', :criteria_hash, 'm', :prompt_version, 'refused', '', 1
    from unnest(:ids::bigint[]) p, generate_series(1, :times::int)
    """,
)


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


async def _preview(api: Served, **body: Any) -> dict[str, Any]:
    response = await api.http.post("/criteria/preview", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_preview_of_an_edit_tells_what_saving_it_then_does(api: Served) -> None:
    await add_profiles(api.db, 900)
    campaign = await add_campaign(api.db, OLD)
    await refresh(api.db, target_of(campaign), now=NOW, report=lambda _: None)
    before = {profile_id for profile_id, _, _ in await held(api.db, campaign.id)}
    counts = await api.counts()
    told = await _preview(api, criteria=NEW, campaign_id=campaign.id)
    assert await api.counts() == counts
    await api.client.update_campaign(campaign.id, criteria=NEW)
    after = {profile_id for profile_id, _, _ in await evaluated(api.db, campaign.id)}
    assert told["fits"] == {
        "value": len(after),
        "exact": True,
        "low": len(after),
        "high": len(after),
    }
    assert told["profiles"] == told["looked_at"] == 900
    edit = told["edit"]
    assert edit["enters"]["value"] == len(after - before) > 0
    assert edit["leaves"]["value"] == len(before - after) > 0
    assert edit["calls_in_all"]["value"] == len(after)
    assert edit["calls_next_run"] == campaign.shortlist_size < len(after)
    assert {match["profile_id"] for match in told["matches"]} <= after
    assert len(told["matches"]) == 5


async def test_an_edit_that_is_taken_back_finds_its_verdicts_again(api: Served) -> None:
    ids = await add_profiles(api.db, 900)
    campaign = await add_campaign(api.db, OLD)
    judged = await _preview(api, criteria=NEW)
    fitting = judged["fits"]["value"]
    key: dict[str, Any] = {
        "campaign_id": campaign.id, "criteria_hash": judged["criteria_hash"],
    }  # fmt: skip
    await api.db.execute(JUDGE, **key, prompt_version=PROMPT_VERSION, view_hash="", ids=ids)
    edit = (await _preview(api, criteria=NEW, campaign_id=campaign.id))["edit"]
    assert edit["judged_already"] == fitting > 0
    assert edit["calls_in_all"]["value"] == edit["calls_next_run"] == 0
    same = (await _preview(api, campaign_id=campaign.id))["edit"]
    assert not same["changes"]
    assert same["enters"]["value"] == same["calls_in_all"]["value"] == 0


async def test_only_what_no_judge_is_asked_again_is_spared(api: Served) -> None:
    ids = await add_profiles(api.db, 900)
    campaign = await add_campaign(api.db, OLD)
    told = await _preview(api, criteria=NEW)
    key: dict[str, Any] = {
        "campaign_id": campaign.id, "criteria_hash": told["criteria_hash"],
    }  # fmt: skip
    current: dict[str, Any] = {**key, "prompt_version": PROMPT_VERSION}
    await api.db.execute(JUDGE, **key, prompt_version="old", view_hash="", ids=ids)
    await api.db.execute(JUDGE, **current, view_hash="another view", ids=ids)
    await api.db.execute(REFUSE, **current, ids=ids, times=MOST_REFUSALS - 1)
    edit = (await _preview(api, criteria=NEW, campaign_id=campaign.id))["edit"]
    assert edit["judged_already"] == 0
    assert edit["calls_in_all"]["value"] == told["fits"]["value"] > 0
    await api.db.execute(REFUSE, **current, ids=ids, times=1)
    edit = (await _preview(api, criteria=NEW, campaign_id=campaign.id))["edit"]
    assert edit["judged_already"] == told["fits"]["value"]
    assert edit["calls_next_run"] == 0


async def test_a_paused_campaign_pays_nothing_in_its_next_run(api: Served) -> None:
    await add_profiles(api.db, 900)
    campaign = await add_campaign(api.db, OLD)
    await campaigns.update(api.db, campaign.id, now=NOW, status="paused")
    edit = (await _preview(api, criteria=NEW, campaign_id=campaign.id))["edit"]
    assert (edit["calls_next_run"], edit["calls_in_all"]["value"] > 0) == (0, True)


async def test_each_clause_has_its_own_share_at_its_own_path(api: Served) -> None:
    await add_profiles(api.db, 700)
    told = await _preview(api, criteria=NEW)
    shares = {clause["path"]: clause for clause in told["clauses"]}
    assert list(shares) == [
        "criteria.all[0]", "criteria.all[1].any[0]", "criteria.all[1].any[1].not",
    ]  # fmt: skip
    for path, where in [
        ("criteria.all[0]", "followers >= 300"),
        ("criteria.all[1].any[0]", "country in ('de', 'at')"),
        ("criteria.all[1].any[1].not", "bio ilike '%solar%'"),
    ]:
        (row,) = await api.rows(
            f"select avg((({where}) is true)::int) as fits, "
            f"avg((({where}) is null)::int) as unknown from profile_features"
        )
        assert shares[path]["fits"] == pytest.approx(float(row["fits"]))
        assert shares[path]["unknown"] == pytest.approx(float(row["unknown"]))
    assert ":c_0" in told["sql"]
    assert "de" not in told["sql"].split()
    assert ["at", "de"] in told["params"].values()


async def test_a_preview_does_not_wait_for_ever_where_many_ask(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "PATIENCE_S", 0.5)
    db = await Database.connect(database_url, size=1)
    async with served(db) as busy:
        async with db.transaction(), asyncio.timeout(20):
            response = await busy.http.post("/criteria/preview", json={"criteria": OLD})
            said = problem(response, 503)
            assert "ask again" in said["detail"]
            assert int(response.headers["retry-after"]) > 0
        monkeypatch.undo()
        assert (await _preview(busy, criteria=OLD))["profiles"] == 0
    await db.close()


async def test_a_large_table_is_sampled_and_never_scanned(api: Served, database_url: str) -> None:
    await api.db.execute(FILL)
    await api.db.execute(ANALYZE)
    campaign = await add_campaign(api.db, OLD)

    async def ask(db: Database) -> dict[str, Any]:
        async with served(db) as apart:
            return await _preview(apart, criteria=NEW["all"][0], campaign_id=campaign.id)

    told, read = await measured(database_url, ask)
    assert 40_000 * 0.9 < told["profiles"] < 40_000 * 1.1
    assert told["profiles"] > FEW
    assert not told["fits"]["exact"]
    assert told["fits"]["low"] <= 28_000 <= told["fits"]["high"]
    assert told["fits"]["low"] < told["fits"]["value"] < told["fits"]["high"]
    assert told["looked_at"] <= 4_000
    assert told["estimate"] == pytest.approx(28_000, rel=0.1)
    assert read["profile_features"].scans == 0, str(read)
    assert read["profile_features"].scanned < 12_000, str(read)
    assert read["profile_features"].heap < 1_000, str(read)


def test_a_sample_says_how_sure_it_is() -> None:
    none = extrapolate(0, 1_000, 1_000_000, draws=1_000)
    assert (none.value, none.low) == (0, 0)
    assert 3_000 < none.high < 5_000
    half = extrapolate(500, 1_000, 1_000_000, draws=1_000)
    assert half.value == 500_000
    assert 465_000 < half.low < 470_000 < 530_000 < half.high < 535_000
    alike = extrapolate(500, 1_000, 1_000_000, draws=40)
    assert alike.low < 400_000 < 600_000 < alike.high


async def test_preview_tells_what_is_hardly_meant_and_so_does_saving(api: Served) -> None:
    never = {"all": [{"field": "followers", "op": ">", "value": 10},
                     {"field": "followers", "op": "<", "value": 5}]}  # fmt: skip
    told = await _preview(api, criteria=never)
    assert [(note["path"], note["kind"]) for note in told["notes"]] == [
        ("criteria", "contradiction")
    ]
    saved = await api.client.create_campaign(name="Nobody", criteria=never)
    assert [note.kind for note in saved.notes] == ["contradiction"]


async def test_explain_agrees_with_the_tables_for_everyone(api: Served) -> None:
    ids = await add_profiles(api.db, 60, first=270)
    campaign = await add_campaign(api.db, NEW)
    await refresh(api.db, target_of(campaign), now=NOW, report=lambda _: None)
    pairs = {profile_id: score for profile_id, _, score in await held(api.db, campaign.id)}
    assert 0 < len(pairs) < 60
    for profile_id in ids:
        told = await api.client.explain(campaign.id, profile_id)
        assert told.fits is told.is_candidate is (profile_id in pairs)
        assert (told.tree.verdict == "true") is told.fits
        assert told.stored_score == pairs.get(profile_id)
        assert sum(signal.share for signal in told.signals) == pytest.approx(told.cheap_score)
        assert told.because


async def test_explain_names_the_clause_that_decided_and_the_value(api: Served) -> None:
    (profile_id,) = await add_profiles(api.db, 1, first=13)  # no followers are known of the 13th
    campaign = await add_campaign(api.db, NEW)
    told = await api.client.explain(campaign.id, profile_id)
    assert told.tree.verdict == "unknown"
    by_field = {part.field: part for part in told.tree.parts}
    assert by_field["followers"].decided
    assert by_field["followers"].value is None
    assert told.because == "unknown whether followers at least 300"
    await api.db.execute(
        Query("set", "update profile_features set followers = 299 where profile_id = :id"),
        id=profile_id,
    )
    told = await api.client.explain(campaign.id, profile_id)
    assert told.because == "it is not so that followers at least 300"
    assert {part.field: part.value for part in told.tree.parts}["followers"] == 299


async def test_explain_of_nobody_is_not_found(api: Served) -> None:
    campaign = await add_campaign(api.db, NEW)
    problem(await api.http.get(f"/campaigns/{campaign.id}/explain/999"), 404)
    problem(await api.http.get("/campaigns/999/explain/1"), 404)


async def test_the_schema_is_served_and_takes_what_a_preview_takes(api: Served) -> None:
    schema = (await api.http.get("/criteria/schema")).json()
    assert schema == await api.client.criteria_schema()
    assert set(schema["$defs"]) >= {"criteria", "clause_followers", "clause_bio"}


BAD: list[tuple[str, Any, str]] = [
    ("an unknown field", {"all": [OLD, OLD, {"any": [{**OLD, "field": "folowers"}]}]},
     "criteria.all[2].any[0].field"),
    ("a wrong type", {"all": [OLD, OLD, {"any": [{**OLD, "value": "many"}]}]},
     "criteria.all[2].any[0].value"),
    ("a regex bomb is text", {"any": [{"field": "bio", "op": "~", "value": "(a+)+$"}]},
     "criteria.any[0].op"),
    ("NUL", {"field": "bio", "op": "matches", "value": "a\0b"}, "criteria.value"),
    ("SQL for a field", {**OLD, "field": "followers; drop table jobs"}, "criteria.field"),
    ("SQL for a number", {**OLD, "value": "1 or 1=1"}, "criteria.value"),
    ("many values", {"field": "posts", "op": "in", "value": [1] * 200_000}, "criteria.value"),
    ("many clauses", {"all": [OLD] * 5_000}, "criteria.all"),
]  # fmt: skip


@pytest.mark.parametrize("place", ["preview", "create", "change"])
async def test_bad_criteria_are_refused_with_their_path_and_a_mend(api: Served, place: str) -> None:
    campaign_id = await api.campaign_id()
    before = await api.counts()
    for name, criteria, path in BAD:
        if place == "preview":
            response = await api.http.post("/criteria/preview", json={"criteria": criteria})
        elif place == "create":
            response = await api.http.post("/campaigns", json={"name": "x", "criteria": criteria})
        else:
            url = f"/campaigns/{campaign_id}"
            response = await api.http.patch(url, json={"criteria": criteria})
        said = problem(response, 422)
        assert said["field"] == path, name
        assert len(said["detail"]) < 700, name
    assert await api.counts() == before


@pytest.mark.parametrize("head", ["all", "not"])
async def test_criteria_a_thousand_deep_are_refused(api: Served, head: str) -> None:
    opening, closing = ('{"all":[', "]}") if head == "all" else ('{"not":', "}")
    step = ".all[0]" if head == "all" else ".not"
    for levels in (400, 1_000, 100_000):
        text = '{"criteria":' + opening * levels + json.dumps(OLD) + closing * levels + "}"
        response = await api.http.post(
            "/criteria/preview", content=text, headers={"content-type": "application/json"}
        )
        said = problem(response, 422)
        assert said["field"] == "criteria" + step * 8, levels
        assert "flatten" in said["detail"]


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_a_million_values_are_refused_at_their_path(api: Served, chunked: bool) -> None:
    million = {"field": "posts", "op": "in", "value": list(range(1_000_000))}
    body = json.dumps({"name": "x", "criteria": {"all": [OLD, {"any": [million]}]}}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for path in ("/campaigns", "/criteria/preview"):
        response = await api.http.post(
            path,
            content=pieces() if chunked else body,
            headers={"content-type": "application/json"},
        )
        said = problem(response, 422)
        assert said["field"] == "criteria.all[1].any[0].value"
        assert "at most 1,000 values" in said["detail"]


async def test_a_body_that_is_too_large_for_another_reason_is_only_that(api: Served) -> None:
    for criteria in (OLD, {"all": [OLD, {**OLD, "value": "x" * 2_000_000}]}, ["x"] * 1_000_000):
        body = {"criteria": criteria, "name": "x" * 2_000_000}
        said = problem(await api.http.post("/criteria/preview", json=body), 413)
        assert "1,048,576 bytes" in said["detail"]


async def test_hostile_words_are_only_words(api: Served) -> None:
    await add_profiles(api.db, 20)
    for text in ("(a+)+$" * 50, "'; drop table jobs; --", "a & | ! <-> b", "\\" * 100 + "x"):
        for op in ("matches", "similar to", "starts with", "="):
            told = await _preview(api, criteria={"field": "bio", "op": op, "value": text})
            assert told["fits"] == {"value": 0, "exact": True, "low": 0, "high": 0}
            assert "drop" not in told["sql"]


async def test_a_preview_of_nothing_says_what_to_send(api: Served) -> None:
    said = problem(await api.http.post("/criteria/preview", json={}), 422)
    assert "criteria" in said["detail"]
    problem(await api.http.post("/criteria/preview", json={"campaign_id": 999}), 404)
    campaign = await campaigns.get(api.db, await api.campaign_id())
    assert (await _preview(api, campaign_id=campaign.id))["criteria"] == campaign.criteria
