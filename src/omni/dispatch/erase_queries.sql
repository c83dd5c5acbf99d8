-- owns:
-- reads: messages, accounts, correspondents

-- name: held_messages
-- The unique key's prefix (platform, platform_id).
select to_jsonb(m) as row from messages m
where m.platform = :platform and m.platform_id = :platform_id
order by m.id
limit :limit::int;

-- name: wait_for_the_wire
-- The unique key's prefix (platform, platform_id). A message that is on the wire is recorded first.
select 'a message to them is on the wire' as words
from messages m
where m.platform = :platform and m.platform_id = :platform_id and m.state in ('claimed', 'sending')
limit 1;

-- name: erase_messages
-- The unique key's prefix (platform, platform_id). That somebody was written to in this step, and when
-- an account was used, stays: the limits count it, and the key keeps them from being written to twice.
update messages m
set platform_id = 'erased:' || :hash, username = '', body = '', body_hash = '',
    approved_hash = null, lead_id = null, profile_id = null, platform_message_id = null,
    claims = '[]',
    error = case when m.error is not null then 'erased' end, held_by = null,
    state = case when m.state in ('pending', 'approved') then 'cancelled' else m.state end,
    updated_at = :now::timestamptz
where m.platform = :platform and m.platform_id = :platform_id
  and m.state not in ('claimed', 'sending');

-- name: held_accounts
-- A handful of accounts: what is written on them of the last fault.
select jsonb_build_object('id', a.id, 'pause_reason', a.pause_reason, 'last_error', a.last_error)
    as row
from accounts a
where a.pause_reason ~* :pattern or a.last_error ~* :pattern
limit :limit::int;

-- name: erase_accounts
-- A handful of accounts.
update accounts a
set pause_reason = regexp_replace(a.pause_reason, :pattern, '[erased]', 'gi'),
    last_error = regexp_replace(a.last_error, :pattern, '[erased]', 'gi')
where a.pause_reason ~* :pattern or a.last_error ~* :pattern;

-- name: alias_messages
-- The unique key's prefix (platform, platform_id).
select distinct m.username as name from messages m
where m.platform = :platform and m.platform_id = :platform_id;

-- name: held_correspondents
-- correspondents_pkey.
select to_jsonb(c) as row from correspondents c
where c.platform = :platform and c.platform_id = :platform_id
limit :limit::int;

-- name: erase_correspondents
-- correspondents_pkey.
delete from correspondents c where c.platform = :platform and c.platform_id = :platform_id;
