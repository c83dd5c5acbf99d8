-- owns: accounts
-- reads: messages

-- name: insert_account
-- Unique (platform, handle): a second one returns no row.
insert into accounts (platform, handle, credentials, hourly_limit, daily_limit, created_at)
values (:platform, :handle, :secret, :hourly_limit, :daily_limit, :now)
on conflict (platform, handle) do nothing
returning id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at;

-- name: list_accounts
-- accounts_pkey, in order: a table of a few rows, bounded by the limit.
select id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at
from accounts order by id limit :limit;

-- name: get_account
-- accounts_pkey.
select id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at
from accounts where id = :id;

-- name: get_credentials
-- accounts_pkey. No query but this and lock_secrets reads the encrypted secret.
select handle, credentials from accounts where id = :id;

-- name: lock_secrets
-- accounts_pkey, in order: a table of a few rows, bounded by the limit.
select id, credentials from accounts
where credentials is not null
order by id limit :limit for no key update;

-- name: put_secret
-- accounts_pkey.
update accounts set credentials = :secret where id = :id;

-- name: set_account_status
-- accounts_pkey.
update accounts
set status = :status, pause_reason = :reason
where id = :id
returning id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at;

-- name: release_platform
-- messages_to_send, from now on: what this gate held is due at once.
update messages
set held_by = null, eligible_at = :now, updated_at = :now
where id in (
    select id from messages
    where platform = :platform and state = 'approved' and eligible_at > :now and held_by = :gate
    order by eligible_at
    limit :limit
    for update skip locked
);
