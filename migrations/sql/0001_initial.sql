-- The first schema. Every index below is named by the query that needs it, in the rooms' queries.sql.
-- Tables stand in the order in which data flows.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create extension if not exists pg_trgm;

-- jobs: ledger, outbox, status and result in one row ------------------------------------------

create table jobs (
    id uuid primary key,
    kind text not null,
    queue text not null check (queue in ('crawl', 'qualify', 'dispatch')),
    args jsonb not null,
    campaign_id bigint,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    run_at timestamptz not null default now(),
    delivery int not null default 0,          -- which doorbell is valid; a later one voids the earlier
    published_at timestamptz,                 -- null: the relay has still to ring
    attempts int not null default 0,          -- runs that were begun and not snoozed
    max_attempts int not null,
    worker text,
    lease_until timestamptz,                  -- a running job whose lease ran out has lost its worker
    cancel_requested boolean not null default false,
    progress jsonb,
    result jsonb,
    error text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);  -- each run leaves dead rows

create index jobs_unpublished on jobs (run_at) where state = 'queued' and published_at is null;
create index jobs_published on jobs (published_at)
    where state = 'queued' and published_at is not null;
create index jobs_leases on jobs (lease_until) where state = 'running';
create index jobs_recent on jobs (created_at desc, id desc);
create index jobs_by_state on jobs (state, created_at desc, id desc) where state <> 'succeeded';
create index jobs_by_campaign on jobs (campaign_id, created_at desc, id desc)
    where campaign_id is not null;
create index jobs_open_by_campaign on jobs (campaign_id, kind)
    where state in ('queued', 'running') and campaign_id is not null;
create index jobs_finished on jobs (finished_at) where finished_at is not null;
create index jobs_open_maintenance on jobs (created_at)
    where state in ('queued', 'running') and kind = 'candidates.maintain';

-- profiles: what a platform says of a person, and what we make of it ---------------------------

create table profiles_raw (
    profile_id bigint generated always as identity primary key,
    platform text not null,
    platform_id text not null,                -- immutable: DID, account URL, mxid
    username text not null,                   -- what people read; can change
    payload jsonb not null,
    content_hash text not null,
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    looked_at timestamptz not null default now(),  -- when a refresh last asked for them, or they were seen
    missed_at timestamptz,                    -- the first empty answer that had them; null once seen
    gone_since timestamptz,                   -- the platform no longer shows them; null while it does
    unique (platform, platform_id)
);
create index profiles_raw_stale on profiles_raw (platform, looked_at, profile_id)
    where gone_since is null;

create table profile_features (
    profile_id bigint primary key references profiles_raw on delete cascade,
    platform text not null,
    username text not null,
    display_name text,
    bio text,
    language text,
    country text,
    followers bigint,
    follows bigint,
    posts bigint,
    posts_per_week double precision,
    engagement double precision,
    account_created_at timestamptz,
    last_post_at timestamptz,
    has_avatar boolean,
    is_bot boolean,
    accepts_messages boolean,
    hashtags text[] not null default '{}',
    keywords text[] not null default '{}',
    domains text[] not null default '{}',
    signals double precision[] not null,
    search tsvector not null,
    view jsonb not null,                      -- all that a judge may see of this person
    view_hash text not null,
    version_hash text not null,               -- content_hash of the raw profile that it was made from
    updated_at timestamptz not null default now()
);

create table discoveries (
    campaign_id bigint not null,
    profile_id bigint not null references profiles_raw on delete cascade,
    job_id uuid not null,
    found_at timestamptz not null default now(),
    primary key (campaign_id, profile_id)
);
create index discoveries_by_profile on discoveries (profile_id);

create table images (
    profile_id bigint not null references profiles_raw on delete cascade,
    position smallint not null check (position between 0 and 2),
    url text not null,
    sha256 text not null,
    content_type text not null,
    bytes int not null,
    fetched_at timestamptz not null default now(),
    primary key (profile_id, position)
);
create index images_by_sha256 on images (sha256);

-- campaigns: whom we look for, and how much each signal weighs -----------------------------------

create table campaigns (
    id bigint generated always as identity primary key,
    name text not null,
    brief text not null default '',
    criteria jsonb not null,                  -- canonical form
    criteria_hash text not null,
    status text not null default 'active' check (status in ('active', 'paused', 'archived')),
    threshold double precision not null default 0.6 check (threshold between 0 and 1),
    shortlist_size int not null default 50 check (shortlist_size between 1 and 10000),
    message_template text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index campaigns_active on campaigns (id) where status = 'active';

create table campaign_weights (
    campaign_id bigint not null references campaigns,
    version int not null,
    weights double precision[] not null,
    trained_on int not null default 0,        -- outcomes that the learner saw
    metrics jsonb not null default '{}',
    created_at timestamptz not null default now(),
    primary key (campaign_id, version)
);

-- candidates: whom each campaign concerns right now ----------------------------------------------

create table campaign_candidates (
    profile_id bigint not null,
    campaign_id bigint not null references campaigns,
    username text not null,
    candidate_score_cheap double precision not null,
    updated_at timestamptz not null default now(),
    primary key (profile_id, campaign_id)
);
create index campaign_candidates_ranked
    on campaign_candidates (campaign_id, candidate_score_cheap desc, profile_id);

-- qualification: what a judge said, and why ------------------------------------------------------

create table llm_scores (
    id bigint generated always as identity primary key,
    campaign_id bigint not null references campaigns,
    profile_id bigint not null references profiles_raw on delete cascade,
    username text not null,
    profile_hash text not null,               -- profile_features.view_hash: what the model saw
    criteria_hash text not null,
    model text not null,
    prompt_version text not null,
    outcome text not null check (outcome in ('verdict', 'refused')),
    qualified boolean,
    score double precision check (score between 0 and 1),
    confidence double precision check (confidence between 0 and 1),
    reasons jsonb not null default '[]',
    raw text not null,                        -- the answer as it came, cut to a bound
    error text,                               -- why it was refused
    latency_ms double precision not null,
    created_at timestamptz not null default now(),
    check ((outcome = 'verdict') = (qualified is not null and score is not null))
);
create unique index llm_scores_cache on llm_scores
    (campaign_id, profile_id, profile_hash, criteria_hash, model, prompt_version)
    where outcome = 'verdict';
create index llm_scores_refused on llm_scores
    (campaign_id, profile_id, profile_hash, criteria_hash, model, prompt_version)
    where outcome = 'refused';
create index llm_scores_by_criteria on llm_scores
    (campaign_id, criteria_hash, prompt_version, profile_id, id)
    include (profile_hash, qualified, score) where outcome = 'verdict';
create index llm_scores_positive on llm_scores
    (campaign_id, criteria_hash, model, prompt_version, id) where qualified;
create index llm_scores_by_profile on llm_scores (profile_id);

-- leads, and those who must not be written to ----------------------------------------------------

create table leads (
    id bigint generated always as identity primary key,
    campaign_id bigint not null references campaigns,
    profile_id bigint not null references profiles_raw on delete cascade,
    platform text not null,
    platform_id text not null,
    username text not null,
    display_name text,
    score_id bigint not null references llm_scores on delete cascade,
    score double precision not null,
    confidence double precision,
    reasons jsonb not null,
    state text not null default 'new'
        check (state in ('new', 'accepted', 'rejected', 'contacted', 'replied', 'withdrawn')),
    decided_at timestamptz,                   -- when a person accepted or rejected it
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (campaign_id, profile_id)
);
create index leads_ranked on leads (campaign_id, score desc, id desc);
create index leads_ranked_by_state on leads (campaign_id, state, score desc, id desc);
create index leads_by_profile on leads (profile_id);
create index leads_by_score on leads (score_id);

create table suppressions (
    id bigint generated always as identity primary key,
    platform text not null,
    platform_id text not null,
    reason text not null,
    source text not null,
    created_at timestamptz not null default now(),
    unique (platform, platform_id)
);

-- dispatch: identities, and what they send -------------------------------------------------------

create table accounts (
    id bigint generated always as identity primary key,
    platform text not null,
    handle text not null,
    credentials bytea,                        -- encrypted; never logged, never returned
    hourly_limit int not null check (hourly_limit >= 0),
    daily_limit int not null check (daily_limit >= hourly_limit),
    status text not null default 'active' check (status in ('active', 'paused')),
    pause_reason text,
    created_at timestamptz not null default now(),
    unique (platform, handle)
);

create table messages (
    id bigint generated always as identity primary key,
    campaign_id bigint not null,
    lead_id bigint,
    profile_id bigint,
    platform text not null,
    platform_id text not null,                -- the person, even after the profile is gone
    username text not null,
    step int not null default 0,
    body text not null,
    body_hash text not null,                  -- SHA-256 of recipient and text
    approved_hash text,                       -- an edit that changes body_hash voids the approval
    state text not null default 'pending' check (state in
        ('pending', 'approved', 'claimed', 'sending', 'sent', 'failed', 'ambiguous', 'cancelled')),
    held_by text,                             -- the gate that holds it, in words
    eligible_at timestamptz,                  -- an approved message is not tried before this moment
    account_id bigint references accounts,
    platform_message_id text,
    error text,
    created_at timestamptz not null default now(),
    approved_at timestamptz,
    claimed_at timestamptz,
    sending_at timestamptz,
    sent_at timestamptz,
    charged_at timestamptz,                   -- when it last may have used its account's allowance
    updated_at timestamptz not null default now(),
    unique (platform, platform_id, campaign_id, step)
);
create index messages_by_campaign on messages (campaign_id, id desc);
create index messages_by_campaign_state on messages (campaign_id, state, id desc);
create index messages_waiting on messages (id desc) where state = 'pending';
create index messages_to_send on messages (platform, eligible_at, id) where state = 'approved';
create index messages_in_flight on messages (claimed_at) where state in ('claimed', 'sending');
create index messages_charged on messages (account_id, charged_at desc)
    where charged_at is not null;
create index messages_by_lead on messages (lead_id);
create index messages_by_profile on messages (profile_id);

-- feedback: what came back -----------------------------------------------------------------------

create table feedback_events (
    id bigint generated always as identity primary key,
    source text not null,                     -- platform and account, 'person' or 'webhook'
    event_id text not null,                   -- stable at the source: ingesting twice is a no-op
    kind text not null check (kind in
        ('delivered', 'seen', 'replied', 'interested', 'not_interested', 'out_of_office', 'opt_out',
         'blocked', 'bounced', 'accepted', 'rejected', 'converted')),
    campaign_id bigint,
    lead_id bigint,
    profile_id bigint,
    message_id bigint,
    platform text,
    platform_id text,                         -- whom it concerns, even if no message matches
    body text,
    occurred_at timestamptz not null,
    created_at timestamptz not null default now(),
    unique (source, event_id)
);
create index feedback_events_by_campaign on feedback_events (campaign_id, occurred_at desc, id desc);
create index feedback_events_replies on feedback_events (campaign_id, lead_id)
    where kind in ('replied', 'interested', 'not_interested', 'opt_out');
create index feedback_events_by_person on feedback_events (platform, platform_id);
create index feedback_events_by_lead on feedback_events (lead_id);
create index feedback_events_by_profile on feedback_events (profile_id);

create table inbox_cursors (
    account_id bigint primary key references accounts,
    cursor text,
    swept_at timestamptz not null default now()
);

-- the API's own ----------------------------------------------------------------------------------

create table api_keys (
    id uuid primary key,
    name text not null,
    key_hash text not null unique,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);

create table idempotency_keys (
    caller text not null,                     -- id of the API key; empty where none is needed
    route text not null,                      -- method and path
    key text not null,
    request_hash text not null,               -- SHA-256 of query and body: another body is refused
    status int not null,
    response bytea not null,
    created_at timestamptz not null default now(),
    primary key (caller, route, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);
