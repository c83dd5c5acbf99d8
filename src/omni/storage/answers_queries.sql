-- owns: idempotency_keys
-- reads:

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
