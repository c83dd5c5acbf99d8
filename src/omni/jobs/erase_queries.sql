-- owns:
-- reads: jobs

-- name: held_jobs
-- No index: reads the ledger once, for jobs whose arguments or results name the person.
select to_jsonb(j) as row from jobs j
where j.args::text ~* :pattern or j.progress::text ~* :pattern or j.result::text ~* :pattern
   or j.error ~* :pattern
order by j.created_at
limit :limit::int;

-- name: wait_for_jobs
-- jobs_by_state twice: what is open. It is stopped meanwhile.
select 'a job about them is still running' as words
from jobs j
where j.state in ('queued', 'running') and (j.args::text ~* :pattern or j.progress::text ~* :pattern)
limit 1;

-- name: list_open_mentions
-- jobs_by_state twice: what is open.
select j.id from jobs j
where j.state in ('queued', 'running') and j.args::text ~* :pattern
limit 1000;

-- name: erase_jobs
-- No index: reads the ledger once. That there was a job stays; whom it was about does not.
update jobs j
set args = regexp_replace(j.args::text, :pattern, '[erased]', 'gi')::jsonb,
    progress = regexp_replace(j.progress::text, :pattern, '[erased]', 'gi')::jsonb,
    result = regexp_replace(j.result::text, :pattern, '[erased]', 'gi')::jsonb,
    error = regexp_replace(j.error, :pattern, '[erased]', 'gi')
where (j.args::text ~* :pattern or j.progress::text ~* :pattern or j.result::text ~* :pattern
   or j.error ~* :pattern)
  and j.state not in ('queued', 'running');
