-- owns: refreshes, refresh_terms, rounds
-- reads:

-- name: find_due
-- The first rows of refreshes_due of one platform; one row of profiles_raw each, by its key ("offset
-- 0" keeps the planner from reading all of it).
select r.profile_id, r.platform, r.interest, r.pace, r.changes, r.changed_s, r.still_s, r.looked_at,
    r.seen_hash, r.refresh_at, p.platform_id, p.content_hash, p.last_seen, p.gone_since
from (
    select d.*
    from refreshes d
    where d.platform = :platform::text and d.refresh_at <= :now::timestamptz
    order by d.refresh_at, d.profile_id
    limit :limit::int
) as r
cross join lateral (
    select raw.platform_id, raw.content_hash, raw.last_seen, raw.gone_since
    from profiles_raw raw
    where raw.profile_id = r.profile_id
    offset 0
) as p
order by r.refresh_at, r.profile_id;

-- name: read_standings
-- Primary keys. Of those who are not planned yet only the profile is there; `gone_since` tells who
-- needs no plan.
select p.profile_id, p.platform, r.interest, r.pace, r.changes, r.changed_s, r.still_s, r.looked_at,
    r.seen_hash, r.refresh_at, p.platform_id, p.content_hash, p.last_seen, p.gone_since
from profiles_raw p
left join refreshes r using (profile_id)
where p.profile_id = any(:profile_ids::bigint[])
order by p.profile_id;

-- name: claim_due
-- Primary key, locked in its order. Who is not due any more has been taken by another run.
with mine as materialized (
    select r.profile_id
    from refreshes r
    where r.profile_id = any(:profile_ids::bigint[]) and r.refresh_at <= :now::timestamptz
    order by r.profile_id
    for no key update
)
update refreshes r
set refresh_at = :again::timestamptz
from mine
where r.profile_id = mine.profile_id
returning r.profile_id;

-- name: put_standings
-- Primary key, in its order, so that two writers wait in line. A person who was erased meanwhile is
-- left out by the join, and its lock is the one that the foreign key needs. Of two looks the later one
-- counts.
insert into refreshes (profile_id, platform, interest, pace, changes, changed_s, still_s, looked_at,
    seen_hash, refresh_at)
select p.profile_id, p.platform, n.interest, n.pace, n.changes, n.changed_s, n.still_s, n.looked_at,
    n.seen_hash, n.refresh_at
from unnest(:profile_ids::bigint[], :interests::double precision[], :paces::smallint[],
    :changes::double precision[], :changed_s::double precision[], :still_s::double precision[],
    :looked_at::timestamptz[], :seen_hashes::text[], :refresh_at::timestamptz[])
    as n (profile_id, interest, pace, changes, changed_s, still_s, looked_at, seen_hash, refresh_at)
join profiles_raw p on p.profile_id = n.profile_id and p.gone_since is null
order by p.profile_id
for key share
on conflict (profile_id) do update set
    interest = excluded.interest, pace = excluded.pace, changes = excluded.changes,
    changed_s = excluded.changed_s, still_s = excluded.still_s, looked_at = excluded.looked_at,
    seen_hash = excluded.seen_hash, refresh_at = excluded.refresh_at
where refreshes.looked_at <= excluded.looked_at;

-- name: drop_standings
-- Primary key.
delete from refreshes where profile_id = any(:profile_ids::bigint[]);

-- name: read_terms
-- A row for each platform that was ever refreshed: a handful.
select platform, price, average, longest_s, cost, budget, people, requests, failed, ran_at
from refresh_terms
order by platform
limit 1000;

-- name: put_terms
-- Primary key.
insert into refresh_terms (platform, price, average, longest_s, cost, budget, ran_at)
values (:platform, :price, :average, :longest_s, :cost, :budget::int, :now::timestamptz)
on conflict (platform) do update set
    price = excluded.price, average = excluded.average, longest_s = excluded.longest_s,
    budget = excluded.budget;

-- name: put_spent
-- Primary key.
update refresh_terms
set cost = :cost, people = :people::int, requests = :requests::int, failed = :failed::int,
    ran_at = :now::timestamptz
where platform = :platform;

-- name: read_round
-- Primary key: one row.
select reached, counting, counted, counted_at from rounds where name = :name;

-- name: put_round
-- Primary key. Of two walkers the one that had read what the other has not yet moved goes on.
insert into rounds (name, reached, counting, counted, counted_at)
values (:name, :reached, :counting::jsonb, :counted::jsonb, :counted_at::timestamptz)
on conflict (name) do update set
    reached = excluded.reached, counting = excluded.counting, counted = excluded.counted,
    counted_at = excluded.counted_at
where rounds.reached = :was;

-- name: count_stretch
-- A bounded stretch of the primary key: how many people there are of each kind, how long ago they were
-- looked at, and where the stretch ends.
with stretch as materialized (
    select r.profile_id, r.platform, r.interest, r.pace, r.looked_at
    from refreshes r
    where r.profile_id > :after::bigint
    order by r.profile_id
    limit :size::int
)
select platform, interest, pace, count(*)::int as people,
    count(*) filter (where looked_at > :now::timestamptz - interval '1 hour')::int as hour,
    count(*) filter (where looked_at > :now::timestamptz - interval '1 day')::int as day,
    count(*) filter (where looked_at > :now::timestamptz - interval '7 days')::int as week,
    max(profile_id) as last
from stretch
group by platform, interest, pace
order by platform, interest, pace;

-- name: next_due
-- The first row of refreshes_due of each platform.
select wanted.platform, due.refresh_at
from unnest(:platforms::text[]) as wanted (platform)
cross join lateral (
    select r.refresh_at
    from refreshes r
    where r.platform = wanted.platform
    order by r.refresh_at
    limit 1
) as due;
