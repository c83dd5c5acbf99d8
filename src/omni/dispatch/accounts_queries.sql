-- owns: accounts
-- reads: messages

-- name: insert_account
-- Unique (platform, handle), and accounts_by_identity: a second one returns no row.
insert into accounts (
    platform, handle, credentials, hourly_limit, daily_limit, weekly_limit, gap_s, jitter_s,
    warmup_from, warmup_first, warmup_days, zone, quiet_from, quiet_to, quiet_days,
    platform_id, verified_at, created_at
)
values (
    :platform, :handle, :secret, :hourly_limit, :daily_limit, :weekly_limit, :gap_s, :jitter_s,
    :warmup_from, :warmup_first, :warmup_days, :zone, :quiet_from, :quiet_to, :quiet_days::int[],
    :platform_id, :verified_at, :now
)
on conflict do nothing
returning {{columns}};

-- name: list_accounts
-- accounts_pkey, in order: a table of a few rows, bounded by the limit.
select {{columns}}
from accounts order by id limit :limit;

-- name: get_account
-- accounts_pkey.
select {{columns}}
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

-- name: set_pacing
-- accounts_pkey.
update accounts
set hourly_limit = :hourly_limit, daily_limit = :daily_limit, weekly_limit = :weekly_limit,
    gap_s = :gap_s, jitter_s = :jitter_s, warmup_from = :warmup_from, warmup_first = :warmup_first,
    warmup_days = :warmup_days, zone = :zone, quiet_from = :quiet_from, quiet_to = :quiet_to,
    quiet_days = :quiet_days::int[]
where id = :id
returning {{columns}};

-- name: set_verified
-- accounts_pkey. A secret that is not given stays as it is.
update accounts
set platform_id = coalesce(:platform_id::text, platform_id),
    verified_at = case when :platform_id::text is null then verified_at else :now end,
    last_ok_at = case when :platform_id::text is null then last_ok_at else :now end,
    credentials = coalesce(:secret, credentials)
where id = :id
returning {{columns}};

-- name: get_account_of
-- accounts_by_identity.
select {{columns}} from accounts where platform = :platform and platform_id = :platform_id;

-- name: pause_account
-- accounts_pkey. A person's word stands above the program's: it does not pause what is paused.
update accounts
set status = 'paused', pause_reason = :reason, paused_by = :paused_by, paused_at = :now,
    last_error = case when :paused_by = 'person' then last_error else :reason end,
    last_error_at = case when :paused_by = 'person' then last_error_at else :now end
where id = :id and (status = 'active' or :paused_by = 'person')
returning {{columns}};

-- name: resume_account
-- accounts_pkey. What went wrong before no longer counts.
update accounts
set status = 'active', pause_reason = null, paused_by = null, paused_at = null, resumed_at = :now
where id = :id
returning {{columns}};

-- name: note_use
-- accounts_pkey. What the platform last said to the account's call; never older than what is known.
update accounts
set last_ok_at = case when :error::text is null then greatest(last_ok_at, :now) else last_ok_at end,
    last_error_at = case when :error::text is null then last_error_at else :now end,
    last_error = coalesce(:error::text, last_error)
where id = :id;

-- name: count_tries
-- messages_tried, the newest ones up to the sample: what became of them.
select
    count(*) filter (where state in ('sent', 'failed', 'ambiguous')) as tried,
    count(*) filter (where state in ('failed', 'ambiguous')) as errors,
    count(*) filter (where state = 'sent') as sent,
    count(blocked_at) as blocked,
    count(opted_out_at) as opted_out,
    count(bounced_at) as bounced,
    count(*) filter (where state = 'sent' and sent_at < :awaited_before) as awaited,
    count(*) filter (
        where state = 'sent' and sent_at < :awaited_before
            and coalesce(delivered_at, opted_out_at, blocked_at) is not null
    ) as delivered
from (
    select state, sent_at, delivered_at, blocked_at, opted_out_at, bounced_at
    from messages
    where account_id = :account_id and sending_at > :since
    order by sending_at desc
    limit :limit
) latest;

-- name: mark_messages
-- The unique key's prefix (platform, platform_id): what came back of all that was sent to a person,
-- each of it noted once. Returns the accounts that wrote to them.
update messages
set delivered_at = case when :kind = 'delivered' then coalesce(delivered_at, :at) else delivered_at end,
    bounced_at = case when :kind = 'bounced' then coalesce(bounced_at, :at) else bounced_at end,
    blocked_at = case when :kind = 'blocked' then coalesce(blocked_at, :at) else blocked_at end,
    opted_out_at = case when :kind = 'opt_out' then coalesce(opted_out_at, :at) else opted_out_at end
where platform = :platform and platform_id = :platform_id
    and state in ('sending', 'sent', 'ambiguous', 'failed') and sending_at <= :at
returning account_id;

-- name: release_platform
-- messages_to_send, from now on: what these gates held is due at once.
update messages
set held_by = null, eligible_at = :now, updated_at = :now
where id in (
    select id from messages
    where platform = :platform and state = 'approved' and eligible_at > :now
        and held_by = any(:gates::text[])
    order by eligible_at
    limit :limit
    for update skip locked
);
