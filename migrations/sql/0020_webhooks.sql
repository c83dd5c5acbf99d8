-- Tells programs of their user's own, by signed HTTP calls, what has happened.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table webhook_endpoints (
    id bigint generated always as identity primary key,
    url text not null,
    kinds text[] not null,
    secret bytea not null,                    -- encrypted; signs each call
    status text not null default 'active' check (status in ('active', 'disabled')),
    disabled_because text,
    failing_since timestamptz,                -- null while calls are taken
    last_ok_at timestamptz,
    last_error text,
    created_at timestamptz not null
);

-- An event is written by the transaction that made it happen, where anybody wants to know.
create table webhook_events (
    id text primary key,                      -- kind and row: the same for each call about it
    kind text not null check (kind in ('lead.qualified', 'message.sent', 'reply.received')),
    row_id bigint not null,                   -- of lead_changes, messages, feedback_events
    occurred_at timestamptz not null
);
create index webhook_events_by_time on webhook_events (occurred_at, id);

create table webhook_deliveries (
    endpoint_id bigint not null references webhook_endpoints on delete cascade,
    event_id text not null references webhook_events on delete cascade,
    state text not null default 'pending'
        check (state in ('pending', 'delivered', 'failed', 'dropped')),
    attempts int not null default 0,
    next_at timestamptz not null,             -- a pending one is not tried before this moment
    error text,
    ended_at timestamptz,
    primary key (endpoint_id, event_id)
);
create index webhook_deliveries_due on webhook_deliveries (next_at) where state = 'pending';
create index webhook_deliveries_by_event on webhook_deliveries (event_id);

-- Writes an event, and a delivery for each endpoint that wants it. The scheduler writes the job: here,
-- transactions that tell at the same moment would wait for each other.
create function tell_webhooks(of_kind text, of_row bigint, at timestamptz) returns void
language plpgsql
as $$
declare
    told text := replace(of_kind, '.', '_') || '_' || of_row;
begin
    if not exists (select from webhook_endpoints e where of_kind = any(e.kinds)) then
        return;
    end if;
    insert into webhook_events (id, kind, row_id, occurred_at)
    values (told, of_kind, of_row, at)
    on conflict (id) do nothing;
    insert into webhook_deliveries (endpoint_id, event_id, next_at)
    select e.id, told, now() from webhook_endpoints e
    where e.status = 'active' and of_kind = any(e.kinds)
    on conflict (endpoint_id, event_id) do nothing;
end
$$;

create function tell_lead() returns trigger
language plpgsql
as $$
begin
    perform tell_webhooks('lead.qualified', new.id, new.changed_at);
    return null;
end
$$;

create function tell_message() returns trigger
language plpgsql
as $$
begin
    perform tell_webhooks('message.sent', new.id, coalesce(new.sent_at, now()));
    return null;
end
$$;

create function tell_reply() returns trigger
language plpgsql
as $$
begin
    perform tell_webhooks('reply.received', new.id, new.created_at);
    return null;
end
$$;

create trigger tell_webhooks after insert on lead_changes
    for each row
    when (new.cause = 'verdict' and new.old_state is distinct from 'new')
    execute function tell_lead();
create trigger tell_webhooks after update of state on messages
    for each row
    when (new.state = 'sent' and old.state <> 'sent')
    execute function tell_message();
create trigger tell_webhooks after insert on feedback_events
    for each row
    when (new.kind in ('replied', 'interested', 'not_interested', 'opt_out', 'out_of_office'))
    execute function tell_reply();
