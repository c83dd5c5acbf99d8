-- owns: suppressions, suppression_lifts
-- reads: profiles_raw

-- name: insert_suppression
-- The unique key (platform, platform_id) makes a second one a no-op.
insert into suppressions (platform, platform_id, reason, source, created_at)
values (:platform, :platform_id, :reason, :source, :now)
on conflict (platform, platform_id) do nothing;

-- name: insert_suppressions
-- The unique key (platform, platform_id) makes those that stand a no-op, and those that come twice.
insert into suppressions (platform, platform_id, reason, source, created_at)
select n.platform, n.platform_id, n.reason, :source, :now::timestamptz
from unnest(:platforms::text[], :platform_ids::text[], :reasons::text[])
    as n (platform, platform_id, reason)
on conflict (platform, platform_id) do nothing;

-- name: find_suppression
-- The unique key (platform, platform_id), a few probes.
select is_suppressed(:platform, :platform_id, :username);

-- name: find_suppressed
-- The unique key (platform, platform_id), a few probes for each person of a batch. A platform that
-- is suppressed, or all of them, only sends nothing: its people are read as before. Who is known by a
-- name that is suppressed (profiles_raw's unique key) stays so under a new one.
select n.platform, n.platform_id
from unnest(:platforms::text[], :platform_ids::text[], :usernames::text[])
    as n (platform, platform_id, username)
where is_suppressed(n.platform, n.platform_id, n.username, false)
    or exists (
        select from profiles_raw r
        join suppressions s
            on s.platform = r.platform and s.platform_id in (r.username, lower(r.username))
        where r.platform = n.platform and r.platform_id = n.platform_id
    );

-- name: page_suppressions
-- By primary key, the newest first.
select id, scope, platform, platform_id, reason, source, created_at
from suppressions
where id < :before_id::bigint
order by id desc
limit :limit;

-- name: page_wide_suppressions
-- suppressions_wide, the newest first: those of domains, platforms and all.
select id, scope, platform, platform_id, reason, source, created_at
from suppressions
where (platform = '*' or platform_id = '*') and id < :before_id::bigint
order by id desc
limit :limit;

-- name: search_suppressions
-- suppressions_by_name, a range of it: all that begin so, from right after the last one on.
select id, scope, platform, platform_id, reason, source, created_at
from suppressions
where lower(platform_id collate "C") >= lower(:beginning::text collate "C")
    and lower(platform_id collate "C") < lower(:beginning::text collate "C") || chr(1114111)
    and (lower(platform_id collate "C"), id) > (
        lower(:after_name::text collate "C"), :after_id::bigint
    )
order by lower(platform_id collate "C"), id
limit :limit;

-- name: find_for_person
-- The unique key (platform, platform_id), one probe for each pair that a person goes by.
select s.id, s.scope, s.platform, s.platform_id, s.reason, s.source, s.created_at
from suppression_keys(:platform, :platform_id, :username) k
join suppressions s on s.platform = k.platform and s.platform_id = k.platform_id
order by s.id;

-- name: lift_suppression
-- By primary key, then suppressions_by_name: the same name in other letters falls with it, since it
-- stands for the same person. What stood, and why it fell, stays written.
with asked as (
    select platform, lower(platform_id collate "C") as name from suppressions where id = :id
), gone as (
    delete from suppressions s
    using asked a
    where lower(s.platform_id collate "C") = a.name and s.platform = a.platform
    returning s.id, s.scope, s.platform, s.platform_id, s.reason, s.source, s.created_at
), noted as (
    insert into suppression_lifts
        (platform, platform_id, reason, source, suppressed_at, lifted_because, lifted_at)
    select platform, platform_id, reason, source, created_at, :because, :now::timestamptz
    from gone
)
select id, scope, platform, platform_id, reason, source, created_at from gone
where id = :id;

-- name: list_lifts
-- By primary key, the newest first.
select platform, platform_id, reason, source, suppressed_at, lifted_because, lifted_at
from suppression_lifts
order by id desc
limit :limit;
