-- What calls of a model cost: the ledger, and each campaign's limits of a day.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- Null: no limit.
alter table campaigns add column daily_call_limit bigint;
alter table campaigns add column daily_cost_limit_micros bigint;  -- millionths of the currency

-- One row a call, written before it is on the wire. It outlives the person whom it was about.
create table llm_calls (
    id bigint generated always as identity primary key,
    purpose text not null,                    -- qualify, repair, compare, …
    campaign_id bigint references campaigns,
    profile_id bigint,
    job_id uuid,
    model text not null,
    recording_key text not null,              -- hash of all that the model was given
    day date not null,                        -- UTC; whose budget paid for it
    outcome text not null default 'open' check (outcome in ('open', 'answered', 'failed')),
    error text,
    prompt_tokens bigint,
    answer_tokens bigint,
    cost_micros bigint not null,              -- reserved before the call, settled after it
    latency_ms double precision,
    created_at timestamptz not null default now(),
    ended_at timestamptz                      -- null: under way, or its worker died
);
create index llm_calls_by_campaign on llm_calls (campaign_id, day, model);
create index llm_calls_by_day on llm_calls (day);

-- What a campaign has used up of a day; reserved before each call, so that the limits hold for all
-- workers together.
create table llm_budgets (
    campaign_id bigint not null references campaigns,
    day date not null,
    calls bigint not null,
    cost_micros bigint not null,
    primary key (campaign_id, day)
) with (fillfactor = 50);                     -- one row a campaign, updated with each call
