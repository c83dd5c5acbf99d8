-- owns: webhook_endpoints, webhook_events, webhook_deliveries
-- reads: leads, lead_changes, messages, feedback_events, campaigns
--
-- Events and deliveries are written by triggers of the database, in the transaction of what happened.

-- name: insert_endpoint
-- Primary key.
insert into webhook_endpoints (url, kinds, secret, created_at)
values (:url, :kinds::text[], :secret, :now)
returning id, url, kinds, status, disabled_because, failing_since, last_ok_at, last_error,
    created_at;

-- name: list_endpoints
-- A handful of rows.
select id, url, kinds, status, disabled_because, failing_since, last_ok_at, last_error, created_at
from webhook_endpoints
order by id
limit :limit;

-- name: get_endpoint
-- Primary key.
select id, url, kinds, status, disabled_because, failing_since, last_ok_at, last_error, created_at
from webhook_endpoints
where id = :id;

-- name: enable_endpoint
-- Primary key.
update webhook_endpoints
set status = 'active', disabled_because = null, failing_since = null
where id = :id
returning id, url, kinds, status, disabled_because, failing_since, last_ok_at, last_error,
    created_at;

-- name: disable_endpoint
-- Primary key; webhook_deliveries' primary key begins with the endpoint. What waits for it fails, and
-- can be replayed.
with off as (
    update webhook_endpoints
    set status = 'disabled', disabled_because = :because
    where id = :id and status = 'active'
    returning id
)
update webhook_deliveries d
set state = 'failed', error = 'the endpoint was disabled', ended_at = :now
from off
where d.endpoint_id = off.id and d.state = 'pending';

-- name: delete_endpoint
-- Primary key; its deliveries go with it.
delete from webhook_endpoints where id = :id;

-- name: claim_due
-- webhook_deliveries_due, the longest due first. Whoever claims has until :until to tell how it went;
-- then it is due again. Of two runs each gets others.
with due as (
    select d.endpoint_id, d.event_id
    from webhook_deliveries d
    where d.state = 'pending' and d.next_at <= :now::timestamptz
    order by d.next_at
    limit :limit
    for update skip locked
)
update webhook_deliveries d
set attempts = d.attempts + 1, next_at = :until::timestamptz
from due
join webhook_endpoints e on e.id = due.endpoint_id
join webhook_events v on v.id = due.event_id
where d.endpoint_id = due.endpoint_id and d.event_id = due.event_id
returning d.endpoint_id, d.event_id, v.kind, v.row_id, v.occurred_at, d.attempts as attempt, e.url,
    e.secret, e.failing_since;

-- name: lead_data
-- Primary keys of lead_changes, leads and campaigns.
select jsonb_build_object(
    'lead_id', l.id, 'campaign_id', l.campaign_id, 'campaign', c.name, 'platform', l.platform,
    'platform_id', l.platform_id, 'username', l.username, 'display_name', l.display_name,
    'score', l.score, 'confidence', l.confidence, 'reasons', l.reasons
)
from lead_changes h
join leads l on l.id = h.lead_id
join campaigns c on c.id = l.campaign_id
where h.id = :row_id;

-- name: message_data
-- Primary key of messages. Of somebody who was erased there is nothing to tell.
select jsonb_build_object(
    'message_id', m.id, 'campaign_id', m.campaign_id, 'lead_id', m.lead_id,
    'platform', m.platform, 'platform_id', m.platform_id, 'username', m.username, 'step', m.step,
    'text', m.body, 'sent_at', m.sent_at
)
from messages m
where m.id = :row_id and m.platform_id not like 'erased:%';

-- name: reply_data
-- Primary key of feedback_events.
select jsonb_build_object(
    'event_id', e.id, 'class', e.kind, 'campaign_id', e.campaign_id, 'lead_id', e.lead_id,
    'message_id', e.message_id, 'platform', e.platform, 'platform_id', e.platform_id,
    'text', e.body, 'occurred_at', e.occurred_at
)
from feedback_events e
where e.id = :row_id;

-- name: end_delivery
-- Primary key. Only the try that was made: a replay or a later try is left alone.
update webhook_deliveries
set state = :state, error = :error, next_at = coalesce(:again_at::timestamptz, next_at),
    ended_at = case when :state <> 'pending' then :now::timestamptz end
where endpoint_id = :endpoint_id and event_id = :event_id and attempts = :attempt
  and state = 'pending';

-- name: note_taken
-- Primary key. Written once in a while: not for each call.
update webhook_endpoints
set failing_since = null, last_ok_at = :now::timestamptz
where id = :id and (failing_since is not null or last_ok_at is null
    or last_ok_at < :now::timestamptz - interval '10 seconds');

-- name: note_failing
-- Primary key.
update webhook_endpoints
set failing_since = coalesce(failing_since, :now::timestamptz), last_error = :error
where id = :id;

-- name: next_due
-- webhook_deliveries_due: its first entry.
select min(d.next_at) from webhook_deliveries d where d.state = 'pending';

-- name: replay
-- webhook_events_by_time: the events of a stretch of time, the oldest first. The ids are as they were,
-- so that who has seen one knows it again.
insert into webhook_deliveries (endpoint_id, event_id, next_at)
select e.id, v.id, :now::timestamptz
from webhook_endpoints e
join webhook_events v on v.kind = any(e.kinds)
where e.id = :id and v.occurred_at >= :since::timestamptz and v.occurred_at < :until::timestamptz
order by v.occurred_at, v.id
limit :limit
on conflict (endpoint_id, event_id) do update
set state = 'pending', attempts = 0, next_at = excluded.next_at, error = null, ended_at = null;

-- name: list_deliveries
-- The endpoint's part of the primary key, sorted by time: of 30 days.
select d.endpoint_id, d.event_id, v.kind, v.occurred_at, d.state, d.attempts, d.next_at, d.error,
    d.ended_at
from webhook_deliveries d
join webhook_events v on v.id = d.event_id
where d.endpoint_id = :id {{in_state}}
order by v.occurred_at desc, v.id desc
limit :limit;

-- name: forget_events
-- webhook_events_by_time, the oldest first; deliveries go with them.
delete from webhook_events
where id in (
    select v.id from webhook_events v
    where v.occurred_at < :before::timestamptz
    order by v.occurred_at
    limit :limit
);

-- name: lock_secrets
-- webhook_endpoints_pkey, in order: a table of a few rows, bounded by the limit.
select id, secret from webhook_endpoints order by id limit :limit for no key update;

-- name: put_secret
-- webhook_endpoints_pkey.
update webhook_endpoints set secret = :secret where id = :id;
