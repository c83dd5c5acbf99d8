-- owns:
-- reads: messages

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

-- name: alias_messages
-- The unique key's prefix (platform, platform_id).
select distinct m.username as name from messages m
where m.platform = :platform and m.platform_id = :platform_id;
