-- owns: erasures, erased_people, erasure_salt
-- reads:

-- name: hash_person
-- A single row.
select encode(
    sha256(s.salt || convert_to(:platform::text || chr(10) || :platform_id::text, 'UTF8')), 'hex'
)
from erasure_salt s;

-- name: find_erased
-- Nothing is computed while nobody was erased; else the primary key of erased_people, one probe for
-- each person of a batch.
select n.platform, n.platform_id
from unnest(:platforms::text[], :platform_ids::text[]) as n (platform, platform_id)
cross join erasure_salt s
join erased_people e on e.hash = encode(
    sha256(s.salt || convert_to(n.platform || chr(10) || n.platform_id, 'UTF8')), 'hex'
)
where exists (select from erased_people);

-- name: add_erased
-- Primary key: a second time changes nothing.
insert into erased_people (hash, erased_at) values (:hash, :now) on conflict (hash) do nothing;

-- name: hold_hash
-- Two who ask for the same person come one after the other.
select pg_advisory_xact_lock(1163019603, hashtext(:hash));

-- name: find_open
-- erasures_open.
select id, hash, state, target, removed, mentions, waits_for, job_id, asked_at, finished_at
from erasures
where hash = :hash and state = 'open'
limit 1;

-- name: insert_erasure
-- Primary key.
insert into erasures (id, hash, target, after_xid, asked_at)
values (:id, :hash, :target::jsonb, pg_current_xact_id(), :now)
returning id, hash, state, target, removed, mentions, waits_for, job_id, asked_at, finished_at;

-- name: note_job
-- Primary key.
update erasures set job_id = :job_id where id = :id
returning id, hash, state, target, removed, mentions, waits_for, job_id, asked_at, finished_at;

-- name: get_erasure
-- Primary key.
select id, hash, state, target, removed, mentions, waits_for, job_id, asked_at, finished_at
from erasures
where id = :id;

-- name: list_erasures
-- erasures_by_age, as far as the page goes.
select id, hash, state, target, removed, mentions, waits_for, job_id, asked_at, finished_at
from erasures
where (asked_at, id) < (:before_at::timestamptz, :before_id::uuid)
order by asked_at desc, id desc
limit :limit;

-- name: is_settled
-- Primary key. Whoever was writing when the erasure was asked for is done: all others know of it.
select pg_snapshot_xmin(pg_current_snapshot()) > e.after_xid from erasures e where e.id = :id;

-- name: note_target
-- Primary key.
update erasures set target = :target::jsonb where id = :id and state = 'open';

-- name: note_waiting
-- Primary key.
update erasures set waits_for = :words where id = :id and state = 'open';

-- name: note_removed
-- Primary key. In the transaction that removes: what a killed run has done is counted once.
update erasures e
set removed = e.removed || coalesce((
    select jsonb_object_agg(n.place, n.count + coalesce((e.removed ->> n.place)::bigint, 0))
    from unnest(:places::text[], :counts::bigint[]) as n (place, count)
    where n.count > 0
), '{}')
where e.id = :id;

-- name: finish_erasure
-- Primary key. From here on nothing tells whom it was about.
update erasures
set state = 'done', target = null, waits_for = null, mentions = :mentions::jsonb,
    finished_at = :now
where id = :id and state = 'open';
