-- owns: threads, feedback_classes
-- reads: feedback_events, messages, accounts

-- name: renew_threads
-- Unique (platform, platform_id, account_id): the newest of the events of each person moves their
-- conversation, found by feedback_events_pkey and messages_pkey. An older one that came late does not.
-- What is older than the account (accounts_pkey) is news to nobody.
insert into threads as t (
    platform, platform_id, account_id, username, campaign_id, lead_id, profile_id, kind,
    last_event_id, last_at, unread
)
select distinct on (e.platform, e.platform_id)
    e.platform, e.platform_id, :account_id, coalesce(m.username, e.platform_id), e.campaign_id,
    e.lead_id, e.profile_id, e.kind, e.id, e.occurred_at,
    e.occurred_at >= a.created_at - interval '1 hour'
from feedback_events e
join accounts a on a.id = :account_id
left join messages m on m.id = e.message_id
where e.id = any(:ids::bigint[]) and e.kind not in ('delivered', 'seen')
order by e.platform, e.platform_id, e.occurred_at desc, e.id desc
on conflict (platform, platform_id, account_id) do update set
    username = case when excluded.campaign_id is null then t.username else excluded.username end,
    campaign_id = coalesce(excluded.campaign_id, t.campaign_id),
    lead_id = coalesce(excluded.lead_id, t.lead_id),
    profile_id = coalesce(excluded.profile_id, t.profile_id),
    kind = excluded.kind, last_event_id = excluded.last_event_id, last_at = excluded.last_at,
    unread = t.unread or excluded.unread
where t.last_at <= excluded.last_at;

-- name: page_threads
-- threads_recent (or threads_by_kind, threads_by_campaign, threads_unread), from the keyset on; for
-- each a probe of accounts_pkey, feedback_events_pkey, the suppressions and the messages' unique key.
select
    t.id, t.platform, t.platform_id, t.account_id, a.handle as account, t.username, t.campaign_id,
    t.lead_id, t.profile_id, t.kind, t.last_event_id, t.last_at, t.unread,
    left(e.body, 300) as last_text, coalesce(e.classed_by, 'rules') as classed_by,
    is_suppressed(t.platform, t.platform_id, t.username) as suppressed,
    w.state as waiting
from threads t
join accounts a on a.id = t.account_id
left join feedback_events e on e.id = t.last_event_id
left join lateral (
    select m.state from messages m
    where m.platform = t.platform and m.platform_id = t.platform_id
        and m.state in ('pending', 'approved', 'claimed', 'sending')
    order by m.id desc
    limit 1
) w on true
where (t.last_at, t.id) < (:before_at::timestamptz, :before_id::bigint) {{filter}}
order by t.last_at desc, t.id desc
limit :limit;

-- name: get_thread
-- threads_pkey, then the probes of page_threads.
select
    t.id, t.platform, t.platform_id, t.account_id, a.handle as account, t.username, t.campaign_id,
    t.lead_id, t.profile_id, t.kind, t.last_event_id, t.last_at, t.unread,
    left(e.body, 300) as last_text, coalesce(e.classed_by, 'rules') as classed_by,
    is_suppressed(t.platform, t.platform_id, t.username) as suppressed,
    w.state as waiting
from threads t
join accounts a on a.id = t.account_id
left join feedback_events e on e.id = t.last_event_id
left join lateral (
    select m.state from messages m
    where m.platform = t.platform and m.platform_id = t.platform_id
        and m.state in ('pending', 'approved', 'claimed', 'sending')
    order by m.id desc
    limit 1
) w on true
where t.id = :id;

-- name: list_said
-- The prefix (platform, platform_id) of the messages' unique key, and feedback_events_by_person: what
-- went back and forth between a person and an account, the newest up to the bound. What waits for an
-- account yet is shown as well.
select * from (
    (
        select true as ours, m.id, m.state as kind, m.body as text,
            coalesce(m.sent_at, m.sending_at, m.updated_at) as at, m.campaign_id, m.step,
            null::text as classed_by, m.error
        from messages m
        where m.platform = :platform and m.platform_id = :platform_id
            and (m.account_id = :account_id or m.account_id is null)
        order by m.id desc
        limit :limit
    )
    union all
    (
        select false, e.id, e.kind, e.body, e.occurred_at, e.campaign_id, null, e.classed_by, null
        from feedback_events e
        where e.platform = :platform and e.platform_id = :platform_id
            and (e.account_id = :account_id or e.account_id is null)
        order by e.occurred_at desc, e.id desc
        limit :limit
    )
) said
order by at desc, ours, id desc
limit :limit;

-- name: mark_read
-- threads_pkey.
update threads set unread = false where id = :id;

-- name: note_class
-- feedback_classes_pkey.
insert into feedback_classes (event_id, old_kind, new_kind, classed_by, note, changed_at)
values (:event_id, :old_kind, :new_kind, :classed_by, :note, :now);

-- name: move_thread
-- The unique key's prefix (platform, platform_id): where the event is the newest, the conversation
-- says what it is now.
update threads set kind = :kind
where platform = :platform and platform_id = :platform_id and last_event_id = :event_id;

-- name: list_classes
-- feedback_classes_by_event, for the events of one conversation.
select c.event_id, c.old_kind, c.new_kind, c.classed_by, c.note, c.changed_at
from feedback_classes c
where c.event_id = any(:event_ids::bigint[])
order by c.event_id, c.id;

-- name: count_unread
-- threads_unread, up to the bound.
select count(*) from (select from threads where unread limit :limit) t;
