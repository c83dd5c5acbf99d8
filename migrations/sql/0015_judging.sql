-- Judges for each campaign, comparisons that jobs make, verdicts that outlive an edit.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- The share of a shortlist that is judged; 0: no model is called for the campaign.
alter table campaigns add column judge_share double precision not null default 1;

-- Which job made it: a job that runs again adds no second one. The table has a row for each comparison
-- that somebody asked for, so its index is made at once.
alter table judge_comparisons add column job_id uuid;
-- squawk-ignore require-concurrent-index-creation
create unique index judge_comparisons_by_job on judge_comparisons (job_id);

-- When the verdicts that an edit of the criteria cannot change were carried over to this key; null: not
-- yet, or not to the end.
alter table llm_epochs add column carried_at timestamptz;
