-- owns: jobs
-- reads:

-- name: insert_jobs
-- The primary key makes a keyed duplicate a no-op; its order keeps two writers of the same keys from
-- a deadlock. Listeners are woken at commit, and only when there is something to publish at once.
with inserted as (
    insert into jobs (id, kind, queue, args, campaign_id, run_at, max_attempts, created_at)
    select id, kind, queue, args::jsonb, campaign_id, run_at, max_attempts, :now::timestamptz
    from unnest(
        :ids::uuid[], :kinds::text[], :queues::text[], :args::text[], :campaign_ids::bigint[],
        :run_ats::timestamptz[], :max_attempts::int[]
    ) as new (id, kind, queue, args, campaign_id, run_at, max_attempts)
    order by id
    on conflict (id) do nothing
    returning run_at
)
select pg_notify('omni_jobs', '')
where exists (select from inserted where run_at <= :now::timestamptz);

-- name: get_job
-- Primary key.
select id, kind, queue, args, campaign_id, state, run_at, attempts, max_attempts, cancel_requested,
       progress, result, error, created_at, started_at, finished_at
from jobs
where id = :id;

-- name: list_jobs
-- jobs_by_campaign when a campaign is asked for, jobs_by_state for any state but succeeded (which
-- most jobs have), else jobs_recent: each holds the page's own order.
select id, kind, queue, args, campaign_id, state, run_at, attempts, max_attempts, cancel_requested,
       progress, result, error, created_at, started_at, finished_at
from jobs
where true {{filters}}
order by created_at desc, id desc
limit :limit;

-- name: count_open
-- jobs_open_by_campaign.
select kind, count(*) as open
from jobs
where campaign_id = :campaign_id and state in ('queued', 'running')
group by kind;

-- name: find_obstacle
-- What a campaign's qualification has to wait for, if anything; each part stops at its first row.
-- Primary key for the job itself; jobs_open_by_campaign for what else is open for its campaign, which
-- is a handful; jobs_open_maintenance, whose first entry is the oldest maintenance that is open.
--
-- Of several qualifications the one that was asked for first goes first, and yields only to one that
-- runs and was begun a second before it: by then that one has passed this gate. An earlier one that
-- waits for its next attempt holds nobody up.
select case
    when exists (
        select from jobs r
        where r.campaign_id = :campaign_id and r.kind = 'candidates.refresh'
            and r.state in ('queued', 'running')
    ) then 'candidates.refresh'
    when exists (
        select from jobs m
        where m.kind = 'candidates.maintain' and m.state in ('queued', 'running')
            and m.created_at <= mine.created_at
    ) then 'candidates.maintain'
    when exists (
        select from jobs q
        where q.campaign_id = :campaign_id and q.kind = 'qualify.campaign'
            and q.state in ('queued', 'running') and q.id <> mine.id
            and case
                when (q.created_at, q.id) < (mine.created_at, mine.id)
                    then q.state = 'running' or q.run_at < :soon::timestamptz
                else q.state = 'running' and q.started_at < mine.started_at - interval '1 second'
            end
    ) then 'qualify.campaign'
end
from (select :id::uuid as id) as asked
left join jobs mine on mine.id = asked.id;

-- name: cancel_job
-- Primary key. A queued job ends here; a running one is stopped by its worker.
update jobs
set cancel_requested = true,
    state = case when state = 'queued' then 'cancelled' else state end,
    finished_at = case when state = 'queued' then :now::timestamptz else finished_at end
where id = :id and state in ('queued', 'running')
returning id, kind, queue, args, campaign_id, state, run_at, attempts, max_attempts,
          cancel_requested, progress, result, error, created_at, started_at, finished_at;

-- name: tell_cancel
-- No table. Workers that listen hear it at the commit; the heartbeat finds what nobody heard.
select pg_notify('omni_cancels', :id::uuid::text);

-- name: spare_attempt
-- Primary key. The fence is the attempt: a run that lost its lease changes nothing.
update jobs
set max_attempts = max_attempts + 1
where id = :id::uuid and state = 'running' and attempts = :attempt::int;

-- name: list_unpublished
-- jobs_unpublished: only due rows, oldest first. No lock: see relay.py.
select id, queue, delivery
from jobs
where state = 'queued' and published_at is null and run_at <= :now::timestamptz
order by run_at
limit :limit;

-- name: list_published
-- jobs_published: the doorbells that were rung longest ago.
select id, queue, delivery
from jobs
where state = 'queued' and published_at is not null and published_at < :before::timestamptz
order by published_at
limit :limit;

-- name: mark_published
-- Primary key. A row that a worker or another relay holds right now needs no mark: it is skipped.
with rung as (
    select jobs.id
    from unnest(:ids::uuid[], :deliveries::int[]) as bell (id, delivery)
    join jobs on jobs.id = bell.id and jobs.delivery = bell.delivery
    where jobs.state = 'queued'
    for update of jobs skip locked
)
update jobs set published_at = :now::timestamptz
from rung
where jobs.id = rung.id;

-- name: requeue_lost
-- jobs_leases. Leases are measured by the database's clock alone, so that hosts whose clocks differ
-- do not take each other's jobs.
with lost as (
    select id
    from jobs
    where state = 'running' and lease_until < now() - make_interval(secs => :grace_s::float8)
    order by lease_until
    limit :limit
    for update skip locked
)
update jobs
set state = case
        when cancel_requested then 'cancelled'
        when attempts >= max_attempts then 'failed'
        else 'queued'
    end,
    finished_at = case
        when cancel_requested or attempts >= max_attempts then :now::timestamptz
    end,
    run_at = :now::timestamptz,
    delivery = delivery + 1,
    published_at = null,
    worker = null,
    lease_until = null,
    error = 'worker lost'
from lost
where jobs.id = lost.id
returning jobs.id as job_id, kind, campaign_id, attempts, state;

-- name: delete_finished
-- jobs_finished, the oldest first, then the primary key. Two that delete at once share the work.
with old as (
    select id
    from jobs
    where finished_at < :before::timestamptz
    order by finished_at
    limit :limit
    for update skip locked
)
delete from jobs using old where jobs.id = old.id;

-- name: claim_jobs
-- Primary key. A ring is granted when it is the newest one of a job that waits, or of a job whose
-- worker went silent (the broker rang again for it).
update jobs
set state = 'running',
    attempts = attempts + 1,
    worker = :worker::text,
    lease_until = now() + make_interval(secs => :lease_s::float8),
    started_at = :now::timestamptz,
    progress = null
from unnest(:ids::uuid[], :deliveries::int[]) as bell (id, number)
where jobs.id = bell.id
    and jobs.delivery = bell.number
    and (
        jobs.state = 'queued'
        or (
            jobs.state = 'running' and jobs.lease_until < now()
            and jobs.attempts < jobs.max_attempts and not jobs.cancel_requested
        )
    )
returning jobs.id as job_id, delivery, kind, args, campaign_id, attempts as attempt, max_attempts;

-- name: extend_leases
-- Primary key. One statement for all runs of a worker; a run that is not returned is lost.
update jobs
set lease_until = now() + make_interval(secs => :lease_s::float8),
    progress = coalesce(beat.progress::jsonb, jobs.progress)
from unnest(:ids::uuid[], :deliveries::int[], :attempts::int[], :progress::text[])
    as beat (id, delivery, attempt, progress)
where jobs.id = beat.id
    and jobs.state = 'running' and jobs.worker = :worker::text
    and jobs.delivery = beat.delivery and jobs.attempts = beat.attempt
returning jobs.id, jobs.delivery, jobs.attempts, jobs.cancel_requested;

-- name: finish_runs
-- Primary key. Worker, delivery and attempt are the fence: a run that lost its lease changes nothing.
update jobs
set state = case
        when ended.state = 'queued' and jobs.cancel_requested then 'cancelled'
        else ended.state
    end,
    attempts = jobs.attempts - ended.refund,
    run_at = coalesce(ended.run_at, jobs.run_at),
    delivery = jobs.delivery + (ended.state = 'queued')::int,
    published_at = case when ended.state = 'queued' then null else jobs.published_at end,
    lease_until = null,
    progress = coalesce(ended.progress::jsonb, jobs.progress),
    result = ended.result::jsonb,
    error = ended.error,
    finished_at = case
        when ended.state <> 'queued' or jobs.cancel_requested then :now::timestamptz
    end
from unnest(
    :ids::uuid[], :deliveries::int[], :attempts::int[], :states::text[], :run_ats::timestamptz[],
    :refunds::int[], :progress::text[], :results::text[], :errors::text[]
) as ended (id, delivery, attempt, state, run_at, refund, progress, result, error)
where jobs.id = ended.id
    and jobs.state = 'running' and jobs.worker = :worker::text
    and jobs.delivery = ended.delivery and jobs.attempts = ended.attempt
returning jobs.id;
