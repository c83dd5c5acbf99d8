-- A shortlist that does not walk past the judged, and calls that nobody pays for twice.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- What verdicts are asked for under: a small number in the place of the whole key.
create table llm_epochs (
    epoch bigint generated always as identity primary key,
    campaign_id bigint not null references campaigns,
    criteria_hash text not null,
    model text not null,
    prompt_version text not null,
    criteria jsonb not null,                  -- as they were: an edit is compared with them
    created_at timestamptz not null default now(),
    unique (campaign_id, criteria_hash, model, prompt_version)
);

-- Under which epoch a candidate has its verdict on its view as it is; 0: nobody knows of any.
alter table campaign_candidates add column judged_epoch bigint not null default 0;

-- The judged stand apart in it, so that the open ones are read without them. Its predecessor had the
-- score alone. Writers wait while it is made, about a second for a million pairs; a migration runs in
-- a transaction, in which it cannot be made concurrently.
-- squawk-ignore require-concurrent-index-creation
create index campaign_candidates_open on campaign_candidates
    (campaign_id, judged_epoch, candidate_score_cheap desc, profile_id);
-- squawk-ignore require-concurrent-index-deletion
drop index campaign_candidates_ranked;

-- A verdict that was carried over an edit of the criteria which could not change it.
alter table llm_scores add column carried_from bigint;

-- Who is asking for which verdict right now: nobody pays twice for one key.
create table llm_flights (
    campaign_id bigint not null,
    profile_id bigint not null,
    profile_hash text not null,
    criteria_hash text not null,
    model text not null,
    prompt_version text not null,
    holder uuid not null,                     -- the job: when it runs again, it goes on
    until timestamptz not null,               -- a worker that died lets go then
    primary key (campaign_id, profile_id, profile_hash, criteria_hash, model, prompt_version)
);
create index llm_flights_until on llm_flights (until);

-- Why somebody was shortlisted. What is learned from verdicts weighs each by its propensity.
create table llm_choices (
    job_id uuid not null,
    campaign_id bigint not null references campaigns,
    profile_id bigint not null references profiles_raw on delete cascade,
    cheap_score double precision not null,
    explored boolean not null,
    propensity double precision not null check (propensity > 0 and propensity <= 1),
    created_at timestamptz not null default now(),
    primary key (job_id, profile_id)
);
create index llm_choices_by_campaign on llm_choices (campaign_id, created_at);
create index llm_choices_by_profile on llm_choices (profile_id);
