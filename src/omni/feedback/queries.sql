-- owns: feedback_events, inbox_cursors
-- reads: accounts, messages

-- name: get_cursor
-- inbox_cursors_pkey.
select cursor from inbox_cursors where account_id = :account_id;

-- name: get_swept
-- inbox_cursors_pkey.
select swept_at from inbox_cursors where account_id = :account_id;

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
    body, occurred_at, created_at, account_id, classed_by
)
select
    :source, i.event_id, i.kind, m.campaign_id, m.lead_id, m.profile_id, m.id, :platform,
    i.platform_id, i.body, i.occurred_at, :now, :account_id, i.classed_by
from unnest(
    :event_ids::text[], :kinds::text[], :platform_ids::text[], :bodies::text[],
    :occurred_at::timestamptz[], :replies_to::text[], :classed_by::text[]
) as i (event_id, kind, platform_id, body, occurred_at, in_reply_to, classed_by)
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
    occurred_at, classed_by;

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

-- name: lock_event
-- feedback_events_pkey; the lock keeps a person and the model from crossing.
select id, event_id, kind, platform, platform_id, campaign_id, lead_id, profile_id, message_id,
    occurred_at, classed_by
from feedback_events
where id = :id
for update;

-- name: set_class
-- feedback_events_pkey.
update feedback_events set kind = :kind, classed_by = :classed_by where id = :id;

-- name: list_unclear
-- feedback_events_unread: replies that the rules leave open, the oldest first. What strangers write
-- answers no message of a campaign: no budget pays for it, and no model is shown it.
select id, campaign_id, profile_id, body
from feedback_events
where kind = 'replied' and classed_by = 'rules' and body is not null and campaign_id is not null
    and id > :after
order by id
limit :limit;
