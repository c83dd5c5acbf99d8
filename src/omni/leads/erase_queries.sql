-- owns:
-- reads: leads, lead_changes, suppressions, suppression_lifts

-- name: held_leads
-- leads_by_profile.
select to_jsonb(l) as row from leads l where l.profile_id = :profile_id limit :limit::int;

-- name: held_lead_changes
-- leads_by_profile, then lead_changes_by_lead.
select to_jsonb(c) as row
from leads l
join lead_changes c on c.lead_id = l.id
where l.profile_id = :profile_id
limit :limit::int;

-- name: held_suppressions
-- The unique key (platform, platform_id), then suppressions_spelled: they may be suppressed by a name,
-- too, and in several spellings.
with theirs as (
    select coalesce(t.spelling_of, t.platform_id) as meant
    from suppressions t
    where t.platform = :platform and t.platform_id in (
        select v.name from unnest(:names::text[]) n (name)
        cross join lateral (values (n.name), (lower(n.name))) v (name)
    )
)
select to_jsonb(u) as row from suppressions u
where u.platform = :platform and u.id in (
    select a.id from suppressions a
    join theirs on a.platform_id = theirs.meant
    where a.platform = :platform
    union all
    select b.id from suppressions b
    join theirs on b.spelling_of = theirs.meant
    where b.platform = :platform
)
limit :limit::int;

-- name: held_suppression_lifts
-- suppression_lifts_by_person.
select to_jsonb(u) as row from suppression_lifts u
where u.platform = :platform and u.platform_id in (
    select v.name from unnest(:names::text[]) n (name)
    cross join lateral (values (n.name), (lower(n.name))) v (name)
)
limit :limit::int;

-- name: erase_lead_changes
-- leads_by_profile, then lead_changes_by_lead.
delete from lead_changes c
where c.lead_id in (select l.id from leads l where l.profile_id = :profile_id);

-- name: erase_leads
-- leads_by_profile.
delete from leads l where l.profile_id = :profile_id;

-- name: erase_suppressions
-- The unique key (platform, platform_id), then suppressions_spelled. The hash keeps them out from now
-- on.
with theirs as (
    select coalesce(t.spelling_of, t.platform_id) as meant
    from suppressions t
    where t.platform = :platform and t.platform_id in (
        select v.name from unnest(:names::text[]) n (name)
        cross join lateral (values (n.name), (lower(n.name))) v (name)
    )
)
delete from suppressions u
where u.platform = :platform and u.id in (
    select a.id from suppressions a
    join theirs on a.platform_id = theirs.meant
    where a.platform = :platform
    union all
    select b.id from suppressions b
    join theirs on b.spelling_of = theirs.meant
    where b.platform = :platform
);

-- name: erase_suppression_lifts
-- suppression_lifts_by_person.
delete from suppression_lifts u
where u.platform = :platform and u.platform_id in (
    select v.name from unnest(:names::text[]) n (name)
    cross join lateral (values (n.name), (lower(n.name))) v (name)
);

-- name: name_suppressions
-- The unique key (platform, platform_id): a domain that is theirs keeps out others, too.
select count(*)::int from suppressions u
where u.platform = '*' and u.platform_id in (
    select v.name from unnest(:names::text[]) n (name)
    cross join lateral (values (n.name), (lower(n.name))) v (name)
);

-- name: alias_leads
-- leads_by_profile.
select distinct l.username as name from leads l where l.profile_id = :profile_id;
