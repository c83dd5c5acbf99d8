-- owns: api_keys, idempotency_keys
-- reads: discoveries

-- name: insert_key
-- api_keys_key_hash_key keeps two keys from sharing a secret.
insert into api_keys (id, name, key_hash, scopes, created_at)
values (:id, :name, :key_hash, :scopes::text[], :now);

-- name: list_keys
-- The table holds a handful of rows; the limit is a bound, not a page.
select id, name, scopes, created_at, last_used_at, revoked_at
from api_keys
order by created_at, id
limit :limit;

-- name: find_key
-- api_keys_key_hash_key: one row.
select id, name, scopes, created_at, last_used_at, revoked_at, key_hash
from api_keys
where key_hash = :key_hash;

-- name: touch_key
-- api_keys_pkey. At most one write a minute, whatever the traffic.
update api_keys
set last_used_at = :now
where id = :id and (last_used_at is null or last_used_at < :now::timestamptz - interval '1 minute');

-- name: revoke_key
-- api_keys_pkey. The first revocation's moment stays.
update api_keys
set revoked_at = coalesce(revoked_at, :now)
where id = :id
returning id, name, scopes, created_at, last_used_at, revoked_at;

-- name: has_usable_key
-- No index: the table holds a handful of rows, and the first that is open ends the search.
select exists (select from api_keys where revoked_at is null);

-- name: claim_idempotency_key
-- Held to the end of the transaction; a second request with the same key does not wait for it.
select pg_try_advisory_xact_lock(1869442665, hashtext(:name));

-- name: find_given
-- idempotency_keys_pkey: one row. What has expired counts as never asked.
select request_hash, status, response
from idempotency_keys
where caller = :caller and route = :route and key = :key and created_at > :expired_before;

-- name: record_given
-- idempotency_keys_pkey. Only what has expired can be in the way.
insert into idempotency_keys (caller, route, key, request_hash, status, response, created_at)
values (:caller, :route, :key, :request_hash, :status, :response, :now)
on conflict (caller, route, key) do update
set request_hash = excluded.request_hash, status = excluded.status,
    response = excluded.response, created_at = excluded.created_at;

-- name: forget_expired
-- idempotency_keys_by_age. A few with each new one: the table shrinks as fast as it grows.
delete from idempotency_keys
where (caller, route, key) in (
    select caller, route, key
    from idempotency_keys
    where created_at <= :expired_before
    order by created_at
    limit 20
    for update skip locked
);

-- name: freeze_snapshot
-- Every count of a funnel is taken at one moment.
set transaction isolation level repeatable read, read only;

-- name: count_discovered
-- discoveries_pkey begins with campaign_id: an index-only scan of the campaign's own part.
select count(*) from discoveries where campaign_id = :campaign_id;

-- name: ping
-- No table.
select 1;
