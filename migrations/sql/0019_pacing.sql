-- When an account may send, how it is doing, and whose account writes to a person.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table accounts add column weekly_limit int;         -- null: seven times the daily limit
alter table accounts add column gap_s int not null default 0;
alter table accounts add column jitter_s int not null default 0;
alter table accounts add column warmup_from timestamptz;  -- null: no warm-up
alter table accounts add column warmup_first int not null default 5;
alter table accounts add column warmup_days int not null default 14;
alter table accounts add column zone text not null default 'UTC';
alter table accounts add column quiet_from int not null default 0;  -- minutes after midnight, there
alter table accounts add column quiet_to int not null default 0;    -- as quiet_from: no quiet hours
alter table accounts add column quiet_days int[] not null default '{}';  -- 1 for Monday to 7
alter table accounts add column platform_id text;         -- who it is, as the platform says
alter table accounts add column verified_at timestamptz;
alter table accounts add column paused_by text;           -- person, harm or credentials
alter table accounts add column paused_at timestamptz;
alter table accounts add column resumed_at timestamptz;   -- what went wrong before no longer counts
alter table accounts add column last_ok_at timestamptz;
alter table accounts add column last_error_at timestamptz;
alter table accounts add column last_error text;

-- One identity is one account, or its limits would be doubled. A table of a few rows.
-- squawk-ignore require-concurrent-index-creation
create unique index accounts_by_identity on accounts (platform, platform_id)
    where platform_id is not null;

alter table messages add column bound_account_id bigint;  -- the person's first sender: theirs to send
alter table messages add column delivered_at timestamptz; -- what came back of it, each once
alter table messages add column bounced_at timestamptz;
alter table messages add column blocked_at timestamptz;
alter table messages add column opted_out_at timestamptz;

-- An account finds its own people first and then people of nobody, without walking past messages that
-- only another account may send. A migration runs in a transaction, in which none of these can be made
-- concurrently; writers wait while they are made, about a second for a million messages.
-- squawk-ignore require-concurrent-index-creation
create index messages_unbound on messages (platform, eligible_at, id)
    where state = 'approved' and bound_account_id is null;
-- squawk-ignore require-concurrent-index-creation
create index messages_bound on messages (bound_account_id, eligible_at, id)
    where state = 'approved' and bound_account_id is not null;
-- The last messages that an account brought to the wire: is it doing harm?
-- squawk-ignore require-concurrent-index-creation
create index messages_tried on messages (account_id, sending_at desc)
    where sending_at is not null;
