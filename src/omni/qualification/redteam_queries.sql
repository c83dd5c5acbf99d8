-- owns: judge_attacks
-- reads:

-- name: insert_attack
-- By judge_attacks_job_id_key: a job that runs again adds no second one.
insert into judge_attacks (job_id, model, prompt_version, report, created_at)
values (:job_id::uuid, :model, :prompt_version, :report::jsonb, :now::timestamptz)
on conflict (job_id) do nothing;

-- name: list_attacks
-- By the primary key, the newest first.
select a.id, a.model, a.prompt_version, a.report, a.created_at
from judge_attacks a
order by a.id desc
limit :limit;
