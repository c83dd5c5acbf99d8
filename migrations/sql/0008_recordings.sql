-- What judges were asked and what they answered.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- Parts of prompts that many share: the task, the criteria, the brief. Nothing of a person.
create table llm_texts (
    hash text primary key,                    -- SHA-256 of the text
    body bytea not null                       -- the text, zlib
);

create table llm_recordings (
    id bigint generated always as identity primary key,
    key text not null,                        -- SHA-256 of all that the model was given
    answer_hash text not null,                -- SHA-256 of what it said
    campaign_id bigint,
    profile_id bigint references profiles_raw on delete cascade,
    profile_hash text,                        -- profile_features.view_hash that was shown
    criteria_hash text,
    prompt_version text,
    model text not null,
    system_hash text not null references llm_texts,
    asked bytea not null,                     -- the rest of the request, JSON, zlib
    answered bytea not null,                  -- the response, JSON, zlib
    recorded_at timestamptz not null          -- when it was last said so
);
-- The same answer to the same request is kept once.
create unique index llm_recordings_content on llm_recordings
    (key, answer_hash, campaign_id, profile_id) nulls not distinct;
create index llm_recordings_by_profile on llm_recordings (profile_id, campaign_id, id);
create index llm_recordings_by_age on llm_recordings (recorded_at);
create index llm_recordings_by_system on llm_recordings (system_hash);
