"""The ledger's rules, in a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Conflict, NotFound, Rejected
from omni.jobs import plan, store
from omni.jobs.types import (
    Claimed,
    Delivery,
    DraftMessages,
    Ended,
    JobArgs,
    NewJob,
    Noop,
    QualifyCampaign,
)
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query
from tests.jobs_fixtures import enqueue, rows

LEASE_S = 5.0


async def claim(db: Database, worker: str, job_id: UUID, number: int = 0) -> Claimed | None:
    (claimed,) = await store.claim(
        db, worker, [Delivery(job_id, number)], lease_s=LEASE_S, now=utc_now()
    )
    return claimed


async def finish(db: Database, worker: str, ended: Ended) -> bool:
    (own,) = await store.finish(db, worker, [ended], now=utc_now())
    return own


async def expire_leases(db: Database) -> None:
    text = "update jobs set lease_until = now() - interval '1 hour' where state = 'running'"
    await db.execute(Query("expire", text))


async def test_a_keyed_job_is_written_once_and_ids_come_back_in_order(db: Database) -> None:
    first = await enqueue(db, NewJob(Noop(), key="a"), NewJob(Noop()), NewJob(Noop(), key="b"))
    again = await enqueue(db, NewJob(Noop(), key="b"), NewJob(Noop(payload="2"), key="a"))
    assert again == [first[2], first[0]]
    assert await rows(db, "select count(*)::int from jobs") == [(3,)]
    assert (await store.get_job(db, first[0])).args == {"payload": ""}


async def test_a_job_lives_and_dies_with_the_callers_transaction(db: Database) -> None:
    async def write_and_fail() -> None:
        async with db.transaction() as tx:
            await store.enqueue(tx, [NewJob(Noop())], now=utc_now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await store.list_jobs(db) == []


async def test_an_unknown_kind_writes_nothing(db: Database) -> None:
    with pytest.raises(Rejected):
        await enqueue(db, NewJob(Noop()), NewJob(JobArgs()))
    assert await store.list_jobs(db) == []


async def test_arguments_with_characters_that_postgres_refuses_are_kept(db: Database) -> None:
    (job_id,) = await enqueue(db, NewJob(Noop(payload="a\0b\ud800'); drop table jobs; --")))
    job = await store.get_job(db, job_id)
    assert job.args == {"payload": "a\ufffdb?'); drop table jobs; --"}


async def test_pages_of_jobs_are_stable_while_jobs_arrive(db: Database) -> None:
    ids = [(await enqueue(db, NewJob(Noop())))[0] for _ in range(5)]
    page = await store.list_jobs(db, limit=2)
    await enqueue(db, NewJob(Noop()))
    rest = await store.list_jobs(db, before=(page[-1].created_at, page[-1].id), limit=10)
    assert [job.id for job in [*page, *rest]] == ids[::-1]


async def test_jobs_are_found_by_campaign_and_state_and_open_ones_are_counted(
    db: Database,
) -> None:
    draft, other, done = await enqueue(
        db,
        NewJob(DraftMessages(campaign_id=1)),
        NewJob(DraftMessages(campaign_id=2)),
        NewJob(QualifyCampaign(campaign_id=1)),
    )
    await store.request_cancel(db, done, now=utc_now())
    assert {job.id for job in await store.list_jobs(db, campaign_id=1)} == {draft, done}
    assert [job.id for job in await store.list_jobs(db, state="cancelled")] == [done]
    assert [job.id for job in await store.list_jobs(db, campaign_id=2, state="queued")] == [other]
    assert await store.count_open(db, 1) == {"dispatch.draft": 1}


async def test_cancelling(db: Database) -> None:
    queued, running = await enqueue(db, NewJob(Noop()), NewJob(Noop()))
    assert (await store.request_cancel(db, queued, now=utc_now())).state == "cancelled"
    assert await claim(db, "w", queued) is None
    with pytest.raises(Conflict, match="already ended"):
        await store.request_cancel(db, queued, now=utc_now())
    with pytest.raises(NotFound):
        await store.request_cancel(db, uuid4(), now=utc_now())

    run = await claim(db, "w", running)
    assert run is not None
    asked = await store.request_cancel(db, running, now=utc_now())
    assert (asked.state, asked.cancel_requested) == ("running", True)
    snoozed = Ended(run, plan.release(utc_now()))
    assert await finish(db, "w", snoozed)  # a job that someone cancelled does not come back
    assert (await store.get_job(db, running)).state == "cancelled"


async def test_a_ring_is_granted_once_and_an_old_ring_is_void(db: Database) -> None:
    (job_id,) = await enqueue(db, NewJob(Noop()))
    run = await claim(db, "w1", job_id)
    assert run is not None
    assert await claim(db, "w2", job_id) is None
    assert await finish(db, "w1", Ended(run, plan.release(utc_now())))
    assert await claim(db, "w2", job_id, number=0) is None
    again = await claim(db, "w2", job_id, number=1)
    assert again is not None
    assert again.attempt == 1  # the released run did not count


async def test_a_worker_that_lost_its_lease_is_fenced_off(db: Database) -> None:
    (job_id,) = await enqueue(db, NewJob(Noop()))
    stale = await claim(db, "w1", job_id)
    await expire_leases(db)
    fresh = await claim(db, "w2", job_id)  # the broker rang again for the silent worker
    assert stale is not None
    assert fresh is not None
    assert (stale.attempt, fresh.attempt) == (1, 2)

    follow_up = (NewJob(Noop(), key="follow-up"),)
    late = Ended(stale, plan.succeed({"by": "w1"}), follow_ups=follow_up)
    assert not await finish(db, "w1", late)
    job = await store.get_job(db, job_id)
    assert (job.state, job.result) == ("running", None)
    assert len(await store.list_jobs(db)) == 1

    assert await finish(db, "w2", Ended(fresh, plan.succeed({"by": "w2"}), follow_ups=follow_up))
    assert (await store.get_job(db, job_id)).result == {"by": "w2"}
    assert len(await store.list_jobs(db)) == 2


async def test_a_fence_holds_within_one_worker_too(db: Database) -> None:
    (job_id,) = await enqueue(db, NewJob(Noop()))
    first = await claim(db, "w", job_id)
    assert first is not None
    assert await finish(db, "w", Ended(first, plan.release(utc_now())))
    second = await claim(db, "w", job_id, number=1)
    assert second is not None
    assert second.attempt == first.attempt  # refunded, so that the attempt alone tells nothing
    assert not await finish(db, "w", Ended(first, plan.succeed({})))
    assert (await store.get_job(db, job_id)).state == "running"


async def test_lost_runs_are_queued_again_until_their_attempts_are_used_up(db: Database) -> None:
    (job_id,) = await enqueue(db, NewJob(Noop()))
    states: list[str] = []
    for number in range(Noop.max_attempts):
        assert await claim(db, "w", job_id, number) is not None
        await expire_leases(db)
        (lost,) = await store.requeue_lost(db, grace_s=1.0, now=utc_now(), limit=10)
        states.append(lost.state)
    assert states == ["queued"] * (Noop.max_attempts - 1) + ["failed"]
    assert (await store.get_job(db, job_id)).error == "worker lost"


async def test_a_live_lease_is_left_alone(db: Database) -> None:
    (job_id,) = await enqueue(db, NewJob(Noop()))
    assert await claim(db, "w", job_id) is not None
    assert await store.requeue_lost(db, grace_s=0.0, now=utc_now(), limit=10) == []


async def test_jobs_of_the_future_are_not_published_yet(db: Database) -> None:
    now = utc_now()
    await enqueue(db, NewJob(Noop(), run_at=now + timedelta(hours=1)))
    assert await store.list_unpublished(db, now=now, limit=10) == {}
    later = await store.list_unpublished(db, now=now + timedelta(hours=2), limit=10)
    assert len(later["qualify"]) == 1


async def test_jobs_that_ended_long_ago_are_deleted_the_oldest_first(db: Database) -> None:
    now = utc_now()
    ids = await enqueue(db, *[NewJob(Noop(payload=str(n))) for n in range(6)])
    finish = Query(
        "finish", "update jobs set state = 'succeeded', finished_at = :at where id = :id"
    )
    for days, job_id in zip((40, 50, 60, 29), ids, strict=False):
        await db.execute(finish, id=job_id, at=now - timedelta(days=days))
    await db.execute(Query("age", "update jobs set created_at = now() - interval '90 days'"))
    before = now - timedelta(days=30)
    assert await store.delete_finished(db, before=before, limit=2) == 2
    assert {job.id for job in await store.list_jobs(db)} == {ids[0], *ids[3:]}
    assert await store.delete_finished(db, before=before, limit=2) == 1
    assert await store.delete_finished(db, before=before, limit=2) == 0
    assert {job.id for job in await store.list_jobs(db)} == {*ids[3:]}, "open or of late"


HOT: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("list_unpublished", {"now": utc_now(), "limit": 500}, "", "jobs_unpublished"),
    (
        "delete_finished",
        {"before": utc_now() - timedelta(days=30), "limit": 500},
        "",
        "jobs_finished",
    ),
    ("list_published", {"before": utc_now(), "limit": 500}, "", "jobs_published"),
    ("requeue_lost", {"grace_s": 3.0, "now": utc_now(), "limit": 500}, "", "jobs_leases"),
    ("count_open", {"campaign_id": 7}, "", "jobs_open_by_campaign"),
    *(
        ("find_obstacle", {"id": uuid4(), "campaign_id": 7, "soon": utc_now()}, "", index)
        for index in ("jobs_pkey", "jobs_open_by_campaign", "jobs_open_maintenance")
    ),
    ("list_jobs", {"limit": 50}, "", "jobs_recent"),
    ("list_jobs", {"limit": 50}, "and state = 'failed'", "jobs_by_state"),
    ("list_jobs", {"limit": 50}, "and campaign_id = 7", "jobs_by_campaign"),
    ("mark_published", {"ids": [uuid4()], "deliveries": [0], "now": utc_now()}, "", "jobs_pkey"),
    (
        "claim_jobs",
        {"ids": [uuid4()], "deliveries": [0], "worker": "w", "lease_s": 5.0, "now": utc_now()},
        "",
        "jobs_pkey",
    ),
)


async def test_hot_queries_use_the_index_that_they_name(db: Database) -> None:
    await db.execute(Query("fill", FILL))
    await db.execute(Query("analyze", "analyze jobs"))
    for name, params, filters, index in HOT:
        text = store.QUERIES[name].text.replace("{{filters}}", filters)
        plan_rows = await db.fetch(
            Query(name, f"explain (costs off) {text}"), {"filters": Fragment("")}, **params
        )
        explained = "\n".join(str(row["QUERY PLAN"]) for row in plan_rows)
        assert index in explained, f"{name}:\n{explained}"
        assert "Seq Scan on jobs" not in explained, f"{name}:\n{explained}"


FILL = """
insert into jobs (id, kind, queue, args, campaign_id, state, published_at, max_attempts,
                  lease_until, created_at, finished_at)
select gen_random_uuid(), 'jobs.noop', 'qualify', '{}', n % 100,
       case when n % 1000 = 1 then 'failed' when n % 1000 < 4 then 'queued'
            when n % 1000 = 4 then 'running' else 'succeeded' end,
       case when n % 1000 <> 2 then now() - interval '1 hour' end, 5,
       case when n % 1000 = 4 then now() + interval '1 minute' end,
       now() - n * interval '1 second',
       case when n % 1000 = 1 or n % 1000 > 4 then now() - n * interval '1 second' end
from generate_series(1, 40000) as n
"""
