-- owns: llm_recordings, llm_texts
-- reads: profiles_raw

-- name: put_text
-- By the primary key: what many prompts share is kept once.
insert into llm_texts (hash, body) values (:hash, :body) on conflict (hash) do nothing;

-- name: put_recording
-- The same answer to the same request is one row (llm_recordings_content), renewed. The text and the
-- profile are locked as the foreign keys would lock them, by their keys, so that what was deleted
-- meanwhile gives no row instead of an error, and nothing is kept of a person who was erased.
insert into llm_recordings (
    key, answer_hash, campaign_id, profile_id, profile_hash, criteria_hash, prompt_version, model,
    system_hash, asked, answered, recorded_at
)
select
    :key::text, :answer_hash::text, :campaign_id::bigint, :profile_id::bigint,
    :profile_hash::text, :criteria_hash::text, :prompt_version::text, :model::text,
    t.hash, :asked::bytea, :answered::bytea, :now::timestamptz
from (select hash from llm_texts where hash = :system_hash for key share) t
where :profile_id::bigint is null
   or exists (select from profiles_raw p where p.profile_id = :profile_id for key share)
on conflict (key, answer_hash, campaign_id, profile_id) do update set
    recorded_at = excluded.recorded_at, answered = excluded.answered;

-- name: find_answer
-- The newest one under a key, by the first column of llm_recordings_content: a request has few
-- answers.
select r.answered
from llm_recordings r
where r.key = :key and r.recorded_at >= coalesce(:since::timestamptz, '-infinity')
order by r.recorded_at desc, r.id desc
limit 1;

-- name: list_of_verdict
-- What was said about one person under one verdict's key, in order, by llm_recordings_by_profile.
select r.key, r.model, t.body as system, r.asked, r.answered, r.recorded_at
from llm_recordings r
join llm_texts t on t.hash = r.system_hash
where r.profile_id = :profile_id and r.campaign_id = :campaign_id
  and r.profile_hash = :profile_hash and r.criteria_hash = :criteria_hash
  and r.prompt_version = :prompt_version and r.model = :model
order by r.recorded_at, r.id
limit :limit;

-- name: list_of_person
-- What was said about one person in one campaign, the newest first, by llm_recordings_by_profile.
select r.key, r.model, t.body as system, r.asked, r.answered, r.recorded_at
from llm_recordings r
join llm_texts t on t.hash = r.system_hash
where r.profile_id = :profile_id and r.campaign_id = :campaign_id
order by r.id desc
limit :limit;

-- name: delete_old
-- llm_recordings_by_age, the oldest first, then the primary key. Two that delete share the work.
with old as materialized (
    select r.id from llm_recordings r
    where r.recorded_at < :before
    order by r.recorded_at
    limit :limit
    for update skip locked
)
delete from llm_recordings using old where llm_recordings.id = old.id;

-- name: delete_unused_texts
-- Reads llm_texts, which has a row for each version of each campaign's brief and criteria; each
-- costs a probe of llm_recordings_by_system.
delete from llm_texts t
where not exists (select from llm_recordings r where r.system_hash = t.hash);
