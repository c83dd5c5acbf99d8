-- How two judges compare on the same people, and what a person says where they disagree.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- One comparison of two judges on a sample of a campaign's people.
create table judge_comparisons (
    id bigint generated always as identity primary key,
    campaign_id bigint not null references campaigns,
    left_model text not null,
    right_model text not null,
    sample int not null,
    report jsonb not null,
    created_at timestamptz not null
);
create index judge_comparisons_by_campaign on judge_comparisons (campaign_id, id desc);

-- Where the two said yes and no: for a person to settle.
create table judge_disagreements (
    id bigint generated always as identity primary key,
    comparison_id bigint not null references judge_comparisons on delete cascade,
    campaign_id bigint not null,
    profile_id bigint not null references profiles_raw on delete cascade,
    username text not null,
    left_said jsonb not null,                 -- qualified, score, confidence, reasons
    right_said jsonb not null,
    fits boolean,                             -- what the person says; null: not settled
    settled_at timestamptz,
    unique (comparison_id, profile_id)
);
create index judge_disagreements_by_campaign on judge_disagreements (campaign_id, id desc);
create index judge_disagreements_by_profile on judge_disagreements (profile_id);
