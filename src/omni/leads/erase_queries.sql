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
-- The unique key (platform, platform_id): they may be suppressed by a name, too.
select to_jsonb(u) as row from suppressions u
where u.platform = :platform and u.platform_id in (
    select v.name from unnest(:names::text[]) n (name)
    cross join lateral (values (n.name), (lower(n.name))) v (name)
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
-- The unique key (platform, platform_id). The hash keeps them out from now on.
delete from suppressions u
where u.platform = :platform and u.platform_id in (
    select v.name from unnest(:names::text[]) n (name)
    cross join lateral (values (n.name), (lower(n.name))) v (name)
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
