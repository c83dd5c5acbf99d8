"""A campaign's leads as files: everything is in them, once, whole, and nothing runs."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from omni.api import lead_files_store as store
from omni.api.lead_files import COLUMNS, MEDIA_TYPES, LeadFormat
from omni.base.clock import utc_now
from omni.cli.faults import FAULT, MISTAKE, OK
from omni.cli.main import run
from omni.client.client import ApiProblem
from omni.client.lead_files import LEAD_FORMATS
from omni.leads import suppressions_store as suppressions
from omni.leads.types import profile_url
from omni.storage.db import Database
from tests.api_fixtures import Served, problem, served

HOSTILE = '=HYPERLINK("http://evil.example","Ada"),\n"Ö"'


@pytest.fixture
async def api(db: Database) -> AsyncIterator[Served]:
    async with served(db) as running:
        yield running


async def fetched(api: Served, campaign_id: int, kind: LeadFormat, **asked: Any) -> bytes:
    return b"".join([piece async for piece in api.client.lead_file(campaign_id, kind, **asked)])


def read_csv(content: bytes) -> list[dict[str, str]]:
    text = content.decode("utf-8")
    assert text.startswith("\ufeff"), "so that spreadsheets read it as UTF-8"
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline="")))


def read_parquet(content: bytes) -> list[dict[str, Any]]:
    return pq.read_table(BytesIO(content)).to_pylist()  # pyright: ignore


def read(kind: LeadFormat, content: bytes) -> Sequence[Mapping[str, Any]]:
    if kind == "jsonl":
        return [json.loads(line) for line in content.splitlines()]
    return read_csv(content) if kind == "csv" else read_parquet(content)


def standing_in(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


async def a_campaign_with_a_life(api: Served) -> tuple[int, list[int]]:
    """Three leads: one written to who has answered, one rejected, one who is suppressed."""
    campaign_id = await api.campaign_id()
    (best,) = await api.add_leads(campaign_id, range(1), score=0.9, name=HOSTILE)
    (second,) = await api.add_leads(campaign_id, range(1, 2), score=0.8)
    (third,) = await api.add_leads(campaign_id, range(2, 3), score=0.7, name=None)
    await api.client.decide_lead(second, "rejected")
    await api.rows(
        "insert into campaign_candidates (profile_id, campaign_id, username,"
        " candidate_score_cheap) select profile_id, campaign_id, username, -0.25 from leads"
        " where id = :id returning profile_id",
        id=best,
    )
    for step, state in enumerate(("sent", "cancelled")):
        await api.rows(
            "insert into messages (campaign_id, lead_id, platform, platform_id, username, step,"
            " body, body_hash, state, sent_at) select campaign_id, id, platform, platform_id,"
            " username, :step::int, 'hi', 'h', :state::text,"
            " case when :state = 'sent' then now() end from leads where id = :id returning id",
            id=best,
            step=step,
            state=state,
        )
    for kind in ("seen", "interested"):
        await api.rows(
            "insert into feedback_events (source, event_id, kind, lead_id, occurred_at)"
            " values ('s', :kind::text, :kind, :id, now()) returning id",
            id=best,
            kind=kind,
        )
    await suppressions.suppress(
        api.db, platform="bluesky", platform_id="did:plc:2", reason="r", source="s", now=utc_now()
    )
    return campaign_id, [best, second, third]


async def test_every_format_says_the_same_of_every_lead(api: Served) -> None:
    campaign_id, ids = await a_campaign_with_a_life(api)
    lines = (await fetched(api, campaign_id, "jsonl")).splitlines()
    found = [json.loads(line) for line in lines]
    assert [list(each) for each in found] == [list(COLUMNS)] * 3
    assert [each["lead_id"] for each in found] == ids
    best, second, third = found
    assert best["reasons"] == [{"criterion": "bio", "evidence": 'I "climb" </script> ☃'}]
    assert (best["name"], best["profile_url"]) == (HOSTILE, "https://bsky.app/profile/did:plc:0")
    assert (best["score"], best["cheap_score"], best["label"]) == (0.9, -0.25, None)
    assert (best["message_state"], best["message_step"]) == ("cancelled", 2)
    assert best["last_sent_at"], "of the step that was sent"
    assert (best["reply"], best["suppressed"]) == ("interested", False)
    assert (second["state"], second["label"]) == ("rejected", "does_not_fit")
    assert second["labelled_at"]
    assert (third["suppressed"], third["cheap_score"], third["reply"]) == (True, None, None)
    told = read_parquet(await fetched(api, campaign_id, "parquet"))
    assert [
        {name: value.isoformat() if name.endswith("_at") and value else value}
        for each in told
        for name, value in each.items()
    ] == [
        {name: value.replace("Z", "+00:00") if name.endswith("_at") and value else value}
        for each in found
        for name, value in each.items()
    ]
    rows = read_csv(await fetched(api, campaign_id, "csv"))
    assert [row["lead_id"] for row in rows] == [str(each) for each in ids]
    assert rows[0]["name"] == f"'{HOSTILE}", "no cell is a formula"
    assert rows[0]["reasons"] == 'bio: “I "climb" </script> ☃”'
    assert (rows[0]["cheap_score"], rows[2]["suppressed"], rows[2]["name"]) == ("-0.25", "true", "")


@pytest.mark.parametrize("kind", LEAD_FORMATS)
async def test_a_file_says_what_it_is_and_how_many_come(api: Served, kind: LeadFormat) -> None:
    campaign_id, ids = await a_campaign_with_a_life(api)
    answer = await api.http.get(f"/campaigns/{campaign_id}/leads.{kind}")
    assert answer.headers["content-type"] == MEDIA_TYPES[kind]
    assert f'filename="leads-{campaign_id}.{kind}"' in answer.headers["content-disposition"]
    assert answer.headers["x-total-count"] == "3"
    counted: list[int] = []
    of_state = await fetched(api, campaign_id, kind, state="rejected", counted=counted.append)
    assert counted == [1]
    empty = await fetched(api, campaign_id, kind, state="replied")
    assert [int(each["lead_id"]) for each in read(kind, of_state)] == [ids[1]]
    assert read(kind, empty) == []


async def test_who_asks_badly_is_told(api: Served) -> None:
    campaign_id = await api.campaign_id()
    problem(await api.http.get("/campaigns/999/leads.csv"), 404)
    told = problem(await api.http.get(f"/campaigns/{campaign_id}/leads.xlsx"), 404)
    assert "'csv', 'jsonl' or 'parquet'" in told["detail"]
    problem(await api.http.get(f"/campaigns/{campaign_id}/leads.csv?state=maybe"), 422)
    with pytest.raises(ApiProblem, match="no such campaign"):
        await fetched(api, 999, "csv")


async def test_each_lead_comes_once_however_the_ranking_moves(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE", 10)
    campaign_id = await api.campaign_id()
    for part in range(5):
        await api.add_leads(campaign_id, range(part * 10, part * 10 + 10), score=part / 10)
    ids = list(await store.rank_leads(api.db, campaign_id, state=None))
    ranked = await api.rows("select id from leads order by score desc, id desc")
    assert ids == [row["id"] for row in ranked]
    seen: list[int] = []
    async for page in store.pages_of_leads(api.db, ids):
        seen += [row["lead_id"] for row in page]
        await api.rows("update leads set score = 1 - score returning id")
        await api.rows("delete from leads where id = :id returning id", id=ids[-1])
    assert seen == ids[:-1], "each once, in the order of the beginning; who is erased is gone"


async def test_many_row_groups_make_one_parquet_file(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE", 30)
    monkeypatch.setattr("omni.api.parquet.GROUP", 60)
    campaign_id = await api.campaign_id()
    await api.add_leads(campaign_id, range(130))
    content = await fetched(api, campaign_id, "parquet")
    file = pq.ParquetFile(BytesIO(content))  # pyright: ignore
    assert file.num_row_groups == 3
    assert len({row["lead_id"] for row in read_parquet(content)}) == 130


@pytest.fixture
def terminal(api: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Commands talk to the API, in a folder of their own."""
    monkeypatch.setenv("OMNI_API_PORT", api.url.rpartition(":")[2])
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_the_command_writes_a_whole_file_and_replaces_none(
    api: Served, terminal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign_id, ids = await a_campaign_with_a_life(api)

    async def export(*more: str) -> int:
        return await asyncio.to_thread(run, ["leads", "export", str(campaign_id), *more])

    assert await export() == OK
    written = terminal / f"leads-{campaign_id}.csv"
    assert len(read_csv(written.read_bytes())) == len(ids)
    written.write_text("mine")
    assert await export() == MISTAKE
    assert "--force" in capsys.readouterr().err
    assert written.read_text() == "mine"
    assert await export("--force") == OK
    assert await export("-o", "people.parquet", "--state", "rejected", "--json") == OK
    told = json.loads(capsys.readouterr().out.rpartition("}\n")[0].rpartition("{")[2].join("{}"))
    assert (told["leads"], told["format"]) == (1, "parquet")
    assert len(read_parquet((terminal / "people.parquet").read_bytes())) == 1
    assert await export("-o", "people.xlsx") == MISTAKE
    assert await export("-o", "nowhere/people.csv") == MISTAKE
    assert standing_in(terminal).keys() == {written.name, "people.parquet"}
    assert await asyncio.to_thread(run, ["leads", str(campaign_id), "--json"]) == OK
    assert len(json.loads(capsys.readouterr().out)) == len(ids), "as it was"


async def test_a_file_that_breaks_off_is_not_there(
    api: Served, terminal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "PAGE", 10)
    campaign_id = await api.campaign_id()
    ids = await api.add_leads(campaign_id, range(30))
    await api.rows("update leads set reasons = '[{}]' where id = :id returning id", id=ids[0])
    before = terminal / f"leads-{campaign_id}.csv"
    before.write_text("of yesterday")
    asked = ["leads", "export", str(campaign_id), "--force"]
    assert await asyncio.to_thread(run, asked) == FAULT
    assert "no answer" in capsys.readouterr().err
    assert standing_in(terminal) == {before.name: b"of yesterday"}


@pytest.mark.parametrize(
    ("platform", "who", "link"),
    [
        ("bluesky", "did:plc:a", "https://bsky.app/profile/did:plc:a"),
        ("mastodon", "https://a.example/users/b", "https://a.example/users/b"),
        ("mastodon", "javascript:alert(1)", None),
        ("matrix", "@a:b.example", "https://matrix.to/#/@a:b.example"),
        ("synthetic", "https://x.example", None),
    ],
)
async def test_a_link_leads_to_a_profile_or_is_none(
    api: Served, platform: str, who: str, link: str | None
) -> None:
    campaign_id = await api.campaign_id()
    (lead_id,) = await api.add_leads(campaign_id, range(1))
    await api.rows(
        "update leads set platform = :platform, platform_id = :who where id = :id returning id",
        platform=platform,
        who=who,
        id=lead_id,
    )
    assert profile_url(platform, who) == link
    assert (await api.client.get_lead(lead_id)).profile_url == link
    assert (await api.client.leads(campaign_id)).items[0].profile_url == link
    (row,) = (await fetched(api, campaign_id, "jsonl")).splitlines()
    assert json.loads(row)["profile_url"] == link
