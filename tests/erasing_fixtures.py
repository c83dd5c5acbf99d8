"""A person with something in every place, and a look into every place."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from omni.base.clock import utc_now
from omni.base.hashing import digest_bytes
from omni.base.ids import new_id
from omni.connectors.file.types import RowMap
from omni.connectors.types import RawProfile
from omni.erasures import store as erasures
from omni.flow.importing import open_desk
from omni.flow.world import World
from omni.imports import store as imports
from omni.jobs import store as jobs
from omni.jobs.types import CrawlSeed, NewJob
from omni.llm.ports import Answer, Prompt
from omni.profiles import image_store
from omni.profiles.image_work import keep
from omni.profiles.images import remake
from omni.profiles.types import Seen, StoredImage
from omni.profiles.work import store_batch
from omni.qualification import recordings_store as recordings
from omni.qualification.recordings import About
from omni.storage.db import Database
from omni.storage.sql import Query
from tests.profiles_fixtures import raw_profile
from tests.qualification_fixtures import add_campaign

PLATFORM = "synthetic"
MARK = "zqplantedqz"
"""A word that is nobody else's; all that is planted of the person has it."""
PERSON = f"syn:{MARK}"
NAME = f"{MARK}.person"
OTHER = "syn:other"

_PLANT = """
with score as (
    insert into llm_scores (campaign_id, profile_id, username, profile_hash, criteria_hash, model,
        prompt_version, outcome, qualified, score, raw, latency_ms)
    values (:campaign_id, :profile_id, :name, 'v', 'c', 'm', '1', 'verdict', true, 1, :name, 1)
    returning id
), lead as (
    insert into leads (campaign_id, profile_id, platform, platform_id, username, display_name,
        score_id, score, reasons)
    select :campaign_id, :profile_id, 'synthetic', :person, :name, :name, s.id, 1,
        jsonb_build_array(jsonb_build_object('criterion', 'bio', 'evidence', :name::text))
    from score s returning id
), change as (
    insert into lead_changes (lead_id, cause, new_state, new_score)
    select id, 'verdict', 'new', 1 from lead
), candidate as (
    insert into campaign_candidates (profile_id, campaign_id, username, candidate_score_cheap)
    values (:profile_id, :campaign_id, :name, 1)
), choice as (
    insert into llm_choices (job_id, campaign_id, profile_id, cheap_score, explored, propensity)
    values (gen_random_uuid(), :campaign_id, :profile_id, 1, false, 1)
), flight as (
    insert into llm_flights values (:campaign_id, :profile_id, 'v', 'c', 'm', '1',
        gen_random_uuid(), now())
), call as (
    insert into llm_calls (purpose, campaign_id, profile_id, model, recording_key, day, outcome,
        error, cost_micros)
    values ('qualify', :campaign_id, :profile_id, 'm', 'k', now()::date, 'failed', :name, 1)
), comparison as (
    insert into judge_comparisons (campaign_id, left_model, right_model, sample, report, created_at)
    values (:campaign_id, 'a', 'b', 1, '{}', now()) returning id
), apart as (
    insert into judge_disagreements (comparison_id, campaign_id, profile_id, username, left_said,
        right_said)
    select id, :campaign_id, :profile_id, :name, '{}', '{}' from comparison
), message as (
    insert into messages (campaign_id, lead_id, profile_id, platform, platform_id, username, body,
        body_hash, state, sent_at, charged_at, platform_message_id, error)
    select :campaign_id, id, :profile_id, 'synthetic', :person, :name, 'Hi ' || :name, 'h', 'sent',
        now(), now(), :name, :name
    from lead returning id
), waiting as (
    insert into messages (campaign_id, profile_id, platform, platform_id, username, body, body_hash,
        step)
    values (:campaign_id, :profile_id, 'synthetic', :person, :name, 'Hi again ' || :name, 'h', 1)
), event as (
    insert into feedback_events (source, event_id, kind, campaign_id, profile_id, message_id,
        platform, platform_id, body, occurred_at)
    select 'account:1', :name, 'replied', :campaign_id, :profile_id, id, 'synthetic', :person,
        'I am ' || :name, now()
    from message returning id
), refresh as (
    insert into refreshes (profile_id, platform, interest, pace, changes, changed_s, still_s,
        looked_at, seen_hash, refresh_at)
    values (:profile_id, 'synthetic', 1, 1, 1, 1, 1, now(), 'h', now())
), page as (
    insert into web_pages (url, reading)
    values ('https://a.example/' || :name, jsonb_build_object('name', :name::text))
), answer as (
    insert into idempotency_keys
    values ('', 'POST /x', 'k', 'h', 200,
        convert_to('{"username":"' || :name || '"}', 'UTF8'), now())
), report as (
    insert into host_reports
    values ('p', jsonb_build_array(jsonb_build_object('host', :name::text)), now())
), refused as (
    insert into suppressions (platform, platform_id, reason, source)
    values ('synthetic', :person, :name, 'person')
), lifted as (
    insert into suppression_lifts (platform, platform_id, reason, source, suppressed_at,
        lifted_because, lifted_at)
    values ('synthetic', :name, 'r', 's', now(), 'b', now())
), account as (
    insert into accounts (platform, handle, hourly_limit, daily_limit, last_error)
    values ('synthetic', 'me', 1, 1, :name || ' cannot be reached') returning id
), thread as (
    insert into threads (platform, platform_id, account_id, username, profile_id, kind,
        last_event_id, last_at)
    select 'synthetic', :person, a.id, :name, :profile_id, 'replied', e.id, now()
    from account a, event e
), class as (
    insert into feedback_classes (event_id, old_kind, new_kind, classed_by, note, changed_at)
    select e.id, 'replied', 'interested', 'person', 'says ' || :name, now() from event e
), ended as (
    insert into jobs (id, kind, queue, args, state, max_attempts, result, error, progress,
        finished_at)
    values (gen_random_uuid(), 'crawl.seed', 'crawl',
        jsonb_build_object('seed_value', :person::text, 'platform', 'synthetic'), 'failed', 5,
        jsonb_build_object('who', :name::text), 'no ' || :name || ' here',
        jsonb_build_object('note', '@' || :name), now())
), steps as (
    insert into crawl_steps
    values (gen_random_uuid(), 0, convert_to(:person, 'UTF8') || '\\x00'::bytea, now())
)
select 1
"""


async def plant(world: World) -> int:
    """Put a person into every place that keeps something of people; return their profile_id."""
    campaign = await add_campaign(world.db, brief="People such as nobody")
    person = raw_profile(
        1,
        platform_id=PERSON,
        username=NAME,
        display_name=f"Mx {MARK}",
        bio=f"My word is {MARK}",
        links=(f"https://{MARK}.example/",),
        image_urls=(f"https://img.example/{MARK}.png",),
    )
    job_id = (await jobs.enqueue(world.db, [_crawl()], now=utc_now()))[0]
    async with world.db.transaction() as tx:
        stored = await store_batch(
            tx, [person, bystander()], now=utc_now(), campaign_id=campaign.id, job_id=job_id
        )
    async with world.db.transaction() as tx:
        await jobs.request_cancel(tx, job_id, now=utc_now())
    profile_id: int = await world.db.fetchval(
        Query("who", "select profile_id from profiles_raw where platform_id = :person"),
        person=PERSON,
    )
    assert len(stored.new) == 2
    await world.db.execute(
        Query("plant", _PLANT),
        campaign_id=campaign.id,
        profile_id=profile_id,
        person=PERSON,
        name=NAME,
    )
    await _record(world, campaign.id, profile_id)
    await _picture(world, profile_id)
    await _import(world)
    _log(world.settings.data_dir)
    return profile_id


def bystander() -> RawProfile:
    """Return somebody else, who stays."""
    return raw_profile(2, platform_id=OTHER, username="somebody.else")


def _crawl() -> NewJob:
    return NewJob(CrawlSeed(platform=PLATFORM, seed_type="search", seed_value="potters"))


async def _record(world: World, campaign_id: int, profile_id: int) -> None:
    prompt = Prompt(f"system {MARK}", f"user {MARK}", {"type": "object"}, facts={"p": MARK})
    answer = Answer(f"said {MARK}", complete=True, latency_ms=1.0)
    about = About(campaign_id, profile_id, "v", "c", "1")
    assert await recordings.keep(world.db, about, "m", prompt, answer, now=utc_now())


async def _picture(world: World, profile_id: int) -> None:
    out = BytesIO()
    Image.new("RGB", (4, 4), (9, 8, 7)).save(out, "PNG")
    picture = remake(out.getvalue())
    now = utc_now()
    sha256, copy = await keep(world.db, world.objects, picture.data, picture.content_type, now=now)
    url = f"https://img.example/{MARK}.png"
    image = StoredImage(profile_id, 0, url, sha256, picture.content_type, len(picture.data))
    assert await image_store.put_images(world.db, [(image, Seen(), copy)], now=now) == 1


async def _import(world: World) -> None:
    """Hand a file in that names the person in a row, and that was taken in."""
    desk = open_desk(world)
    text = f"id,name\n{PERSON},{NAME}\n".encode()
    sha256 = digest_bytes(text)
    part = desk.new_path()
    part.write_bytes(text)
    desk.keep(part, sha256)
    shape = desk.inspect(sha256, "people.csv")
    mapping = RowMap(columns={"id": "platform_id", "name": "username"}, platform=PLATFORM)
    made = await imports.create(
        world.db, name=f"{NAME}.csv", sha256=sha256, size=len(text), shape=shape, mapping=mapping,
        campaign_id=None, now=utc_now(),
    )  # fmt: skip
    await world.db.execute(
        Query(
            "taken",
            "with i as (update imports set job_id = gen_random_uuid(), finished_at = now()"
            " where id = :id) insert into import_problems values"
            " (:id, 1, 1, 'name', :words, 'mend it', 'value')",
        ),
        id=made.id,
        words=f"is not {NAME}",
    )


def _log(data_dir: Path) -> None:
    for name in ("logs/worker.log", "logs/worker.log.1", "postgres/server.log"):
        path = data_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"event": "a"}}\n{{"event": "b", "who": "{NAME}"}}\n{{"event": "c"}}\n')


async def places_of_mark(db: Database, data_dir: Path) -> list[str]:
    """Return every place that holds the planted word: tables, packed or not, and files."""
    found: list[str] = []
    tables = await db.fetch(
        Query("tables", "select tablename from pg_tables where schemaname = 'public'")
    )
    for row in tables:
        table = row["tablename"]
        whole = Query("dump", f"select to_jsonb(t) as row from {table} t")
        for each in await db.fetch(whole):
            if MARK in _text(each["row"]):
                found.append(table)
                break
    return sorted(found + files_with_mark(data_dir))


def files_with_mark(folder: Path) -> list[str]:
    """Return the files that have the planted word in their name or content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    having = (p for p in files if MARK in p.name or MARK.encode() in p.read_bytes())
    return [str(path.relative_to(folder)) for path in having]


def _text(row: dict[str, Any]) -> str:
    """Return a row as text, with what is packed in it unpacked."""
    packed = (v for v in row.values() if isinstance(v, str) and re.match(r"\\x", v))
    told = [msgspec.json.encode(row).decode()]
    for value in packed:
        data = bytes.fromhex(value[2:])
        with suppress(zlib.error):
            data = zlib.decompress(data)
        told.append(data.decode("utf-8", "replace"))
    return "\n".join(told)


async def ask_for_erasure(world: World, platform_id: str = PERSON) -> str:
    """Ask as the API does; return the erasure's id."""
    async with world.db.transaction() as tx:
        erasure = await erasures.ask(
            tx, platform=PLATFORM, platform_id=platform_id, erasure_id=new_id(), now=utc_now()
        )
    return str(erasure.id)
