-- owns:
-- reads: llm_scores, llm_recordings, llm_texts, llm_choices, llm_calls, llm_flights, judge_disagreements

-- name: held_llm_scores
-- llm_scores_by_profile.
select to_jsonb(s) as row from llm_scores s where s.profile_id = :profile_id limit :limit::int;

-- name: held_llm_recordings
-- llm_recordings_by_profile. What was asked and answered is packed; the screen of the lead and
-- `GET /profiles/{id}` show what the model saw.
select to_jsonb(r) as row from llm_recordings r where r.profile_id = :profile_id limit :limit::int;

-- name: held_llm_choices
-- llm_choices_by_profile.
select to_jsonb(c) as row from llm_choices c where c.profile_id = :profile_id limit :limit::int;

-- name: held_llm_calls
-- No index on people: reads the ledger of calls once.
select to_jsonb(c) as row from llm_calls c where c.profile_id = :profile_id limit :limit::int;

-- name: held_judge_disagreements
-- judge_disagreements_by_profile.
select to_jsonb(d) as row from judge_disagreements d
where d.profile_id = :profile_id
limit :limit::int;

-- name: erase_llm_recordings
-- llm_recordings_by_profile.
delete from llm_recordings r where r.profile_id = :profile_id;

-- name: erase_judge_disagreements
-- judge_disagreements_by_profile.
delete from judge_disagreements d where d.profile_id = :profile_id;

-- name: erase_llm_choices
-- llm_choices_by_profile.
delete from llm_choices c where c.profile_id = :profile_id;

-- name: erase_llm_flights
-- No index on people: as many rows as there are calls under way.
delete from llm_flights f where f.profile_id = :profile_id;

-- name: erase_llm_calls
-- No index on people: reads the ledger of calls once. What was paid stays, for nobody in particular.
update llm_calls c
set profile_id = null, recording_key = '', error = case when c.error is not null then 'erased' end
where c.profile_id = :profile_id;

-- name: erase_llm_scores
-- llm_scores_by_profile. The leads that stand on them are gone before.
delete from llm_scores s where s.profile_id = :profile_id;

-- name: erase_llm_texts
-- Reads the texts once, which are few; each costs a probe of llm_recordings_by_system.
delete from llm_texts t
where not exists (select from llm_recordings r where r.system_hash = t.hash);

-- name: alias_llm_scores
-- llm_scores_by_profile.
select distinct s.username as name from llm_scores s where s.profile_id = :profile_id;
