-- Conversations, what their replies were taken for, and events that come by signed webhook.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table feedback_events add column account_id bigint;                       -- whose inbox
alter table feedback_events add column classed_by text not null default 'rules';  -- platform, rules, model, person

-- Each change of what a reply is taken for. What the event began as is the first `old_kind`.
create table feedback_classes (
    id bigint generated always as identity primary key,
    event_id bigint not null references feedback_events on delete cascade,
    old_kind text not null,
    new_kind text not null,
    classed_by text not null,                 -- model or person
    note text,
    changed_at timestamptz not null
);
create index feedback_classes_by_event on feedback_classes (event_id, id);

-- A person who wrote back to an account. What was said is in messages and feedback_events.
create table threads (
    id bigint generated always as identity primary key,
    platform text not null,
    platform_id text not null,
    account_id bigint not null references accounts,
    username text not null,
    campaign_id bigint,
    lead_id bigint,
    profile_id bigint,
    kind text not null,                       -- of the newest event
    last_event_id bigint not null,
    last_at timestamptz not null,
    unread boolean not null default true,
    unique (platform, platform_id, account_id)
);
create index threads_recent on threads (last_at desc, id desc);
create index threads_by_kind on threads (kind, last_at desc, id desc);
create index threads_unread on threads (last_at desc, id desc) where unread;

-- Who may hand in events: a sender of the user's own, with a shared secret.
create table webhook_sources (
    id bigint generated always as identity primary key,
    name text not null unique,
    account_id bigint not null references accounts,
    secret bytea not null,                    -- encrypted; shown once, when it is made
    created_at timestamptz not null,
    last_taken_at timestamptz,
    last_refused_at timestamptz,
    last_refusal text
);

-- Deliveries that were taken: within the tolerance of their time stamps none is taken twice.
create table webhook_intakes (
    source_id bigint not null references webhook_sources on delete cascade,
    delivery_id text not null,
    received_at timestamptz not null,
    primary key (source_id, delivery_id)
);
create index webhook_intakes_by_age on webhook_intakes (received_at);

-- The event that a message answers: a person of ours has written it in the inbox.
alter table messages add column answers bigint;
-- When the person wrote back: what follows the first message of any campaign stops.
alter table messages add column answered_at timestamptz;

-- Replies of which the rules say no more than that they are one: few, and read soon.
-- Writers wait while it is made, a moment for a million events.
-- squawk-ignore require-concurrent-index-creation
create index feedback_events_unclear on feedback_events (id)
    where kind = 'replied' and classed_by = 'rules' and body is not null;

create trigger refuse_erased before insert on threads
    for each row execute function refuse_erased();
