-- owns: feedback_events, inbox_cursors
-- reads: accounts, messages

-- name: get_cursor
-- inbox_cursors_pkey.
select cursor from inbox_cursors where account_id = :account_id;

-- name: put_cursor
-- inbox_cursors_pkey.
insert into inbox_cursors (account_id, cursor, swept_at)
values (:account_id, :cursor, :now)
on conflict (account_id) do update
set cursor = coalesce(excluded.cursor, inbox_cursors.cursor), swept_at = excluded.swept_at;

-- name: get_platform
-- accounts_pkey.
select platform from accounts where id = :account_id;

-- name: insert_events
-- Unique (source, event_id): an event that is known already returns no row. Each is matched on the
-- prefix (platform, platform_id) of the messages' unique key, to the message that it answers, else
-- to the newest that this account, else another one, has sent to the person.
insert into feedback_events (
    source, event_id, kind, campaign_id, lead_id, profile_id, message_id, platform, platform_id,
    body, occurred_at, created_at
)
select
    :source, i.event_id, i.kind, m.campaign_id, m.lead_id, m.profile_id, m.id, :platform,
    i.platform_id, i.body, i.occurred_at, :now
from unnest(
    :event_ids::text[], :kinds::text[], :platform_ids::text[], :bodies::text[],
    :occurred_at::timestamptz[], :replies_to::text[]
) as i (event_id, kind, platform_id, body, occurred_at, in_reply_to)
left join lateral (
    select m.id, m.campaign_id, m.lead_id, m.profile_id
    from messages m
    where m.platform = :platform and m.platform_id = i.platform_id
        and m.state in ('sending', 'sent', 'ambiguous')
    order by
        (m.platform_message_id = i.in_reply_to) is true desc,
        (m.account_id = :account_id) desc,
        m.claimed_at desc, m.id desc
    limit 1
) m on true
on conflict (source, event_id) do nothing
returning id, event_id, kind, platform, platform_id, campaign_id, lead_id, profile_id, message_id,
    occurred_at;

-- name: insert_person_event
-- Unique (source, event_id).
insert into feedback_events (
    source, event_id, kind, campaign_id, lead_id, profile_id, platform, platform_id, occurred_at,
    created_at
)
values (
    'person', :event_id, :kind, :campaign_id, :lead_id, :profile_id, :platform, :platform_id,
    :now, :now
)
on conflict (source, event_id) do nothing;

-- name: count_replied
-- feedback_events_replies, index only: the leads of one campaign that have written back.
select count(distinct lead_id) from feedback_events
where campaign_id = :campaign_id
    and kind in ('replied', 'interested', 'not_interested', 'opt_out');
