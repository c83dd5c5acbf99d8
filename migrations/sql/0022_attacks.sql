-- What judges made of hostile profiles.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table judge_attacks (
    id bigint generated always as identity primary key,
    job_id uuid unique,                       -- a job that runs again adds no second one
    model text not null,
    prompt_version text not null,
    report jsonb not null,                    -- counts and findings; the people in it are made up
    created_at timestamptz not null
);
