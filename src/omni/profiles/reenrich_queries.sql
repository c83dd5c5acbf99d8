-- owns:
-- reads:

-- name: find_outdated
-- The primary key of profile_features, from :after on: where the page ends, and who of it has features
-- of an older enrichment.
with page as materialized (
    select f.profile_id, f.enrich_version
    from profile_features f
    where f.profile_id > :after::bigint
    order by f.profile_id
    limit :limit::int
)
select max(page.profile_id) as last,
    coalesce(array_agg(page.profile_id) filter (where page.enrich_version < :version::int), '{}')
        as outdated
from page;

-- name: lock_payloads
-- Primary key, locked in the order of the write path. Who is gone has no features to renew.
select p.profile_id, p.payload, p.content_hash
from profiles_raw p
where p.profile_id = any(:profile_ids::bigint[]) and p.gone_since is null
order by p.platform, p.platform_id
for no key update;
