-- owns: suppressions, suppression_lifts
-- reads: profiles_raw

-- name: insert_suppression
-- The unique key (platform, platform_id) makes a second one a no-op.
insert into suppressions (platform, platform_id, spelling_of, reason, source, created_at)
values (:platform, :platform_id, :spelling_of, :reason, :source, :now)
on conflict (platform, platform_id) do nothing;

-- name: insert_suppressions
-- The unique key (platform, platform_id) makes those that stand a no-op, and those that come twice.
-- What counts is whoever is new, not each spelling of theirs.
with written as (
    insert into suppressions (platform, platform_id, spelling_of, reason, source, created_at)
    select n.platform, n.platform_id, n.spelling_of, n.reason, :source, :now::timestamptz
    from unnest(
        :platforms::text[], :platform_ids::text[], :spellings_of::text[], :reasons::text[]
    ) as n (platform, platform_id, spelling_of, reason)
    on conflict (platform, platform_id) do nothing
    returning spelling_of
)
select count(*) from written where spelling_of is null;

-- name: find_suppression
-- The unique key (platform, platform_id), a few probes.
select is_suppressed(:platform, :platform_id, :username);

-- name: find_suppressed
-- The unique key (platform, platform_id), a few probes for each person of a batch. A platform that
-- is suppressed, or all of them, only sends nothing: its people are read as before. Who is known by a
-- name that is suppressed (profiles_raw's unique key) stays so under a new one; where no name is given,
-- the known one says of which domain a person is.
select n.platform, n.platform_id
from unnest(:platforms::text[], :platform_ids::text[], :usernames::text[])
    as n (platform, platform_id, username)
where is_suppressed(
        n.platform,
        n.platform_id,
        coalesce(n.username, (
            select r.username from profiles_raw r
            where r.platform = n.platform and r.platform_id = n.platform_id
        )),
        false
    )
    or exists (
        select from profiles_raw r
        join suppressions s
            on s.platform = r.platform and s.platform_id in (r.username, lower(r.username))
        where r.platform = n.platform and r.platform_id = n.platform_id
    );

-- name: page_suppressions
-- By primary key, the newest first; of several spellings the one that was meant.
select id, scope, platform, platform_id, reason, source, created_at
from suppressions
where id < :before_id::bigint and spelling_of is null
order by id desc
limit :limit;

-- name: page_wide_suppressions
-- suppressions_wide, the newest first: those of domains, platforms and all.
select id, scope, platform, platform_id, reason, source, created_at
from suppressions
where (platform = '*' or platform_id = '*') and id < :before_id::bigint and spelling_of is null
order by id desc
limit :limit;

-- name: search_suppressions
-- suppressions_by_name, a range of it: all that begin so, from right after the last one on; another
-- spelling only where the one that was meant begins otherwise.
select id, scope, platform, platform_id, reason, source, created_at
from suppressions
where lower(platform_id collate "C") >= lower(:beginning::text collate "C")
    and lower(platform_id collate "C") < lower(:beginning::text collate "C") || chr(1114111)
    and (spelling_of is null or not starts_with(lower(spelling_of), lower(:beginning)))
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
-- By primary key, then suppressions_by_name and suppressions_spelled: the same name in other letters,
-- and the other spellings, fall with it, since they stand for the same. What stood, and why it fell,
-- stays written.
with asked as (
    select platform, coalesce(spelling_of, platform_id) as meant,
        array[
            lower(platform_id collate "C"), lower(coalesce(spelling_of, platform_id) collate "C")
        ] as names
    from suppressions where id = :id
), gone as (
    delete from suppressions s
    using asked a
    where s.id in (
        select n.id from suppressions n
        where lower(n.platform_id collate "C") = any(a.names) and n.platform = a.platform
        union all
        select m.id from suppressions m
        where m.platform = a.platform and m.spelling_of = a.meant
    )
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
