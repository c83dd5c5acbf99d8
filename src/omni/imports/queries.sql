-- owns: imports, import_problems
-- reads: jobs

-- name: insert_import
-- imports_pkey.
insert into imports (name, sha256, bytes, shape, mapping, campaign_id, created_at)
values (:name, :sha256, :bytes, :shape::jsonb, :mapping::jsonb, :campaign_id, :now)
returning *;

-- name: get_import
-- imports_pkey: one row.
select * from imports where id = :id;

-- name: lock_import
-- imports_pkey: one row, which waits for whoever has it.
select from imports where id = :id for update;

-- name: list_imports
-- imports_pkey, read backwards, as far as the page goes.
select * from imports
where id < :before
order by id desc
limit :limit;

-- name: change_import
-- imports_pkey. Only a draft is changed: what runs, or has run, stays as it was read.
update imports
set shape = :shape::jsonb, mapping = :mapping::jsonb, campaign_id = :campaign_id
where id = :id and job_id is null
returning *;

-- name: begin_import
-- imports_pkey. Of two who begin at once only one replaces the job that both saw.
update imports
set job_id = :job_id
where id = :id and finished_at is null and job_id is not distinct from :instead_of::uuid
returning *;

-- name: advance_import
-- imports_pkey. Only from where the run believed it to be, so that two runs cannot count a row twice.
update imports
set rows = :rows, added = :added, changed = :changed, unchanged = :unchanged,
    left_alone = :left_alone, skipped = :skipped, problems = :problems
where id = :id and rows = :from_row;

-- name: insert_problems
-- import_problems_pkey. Written with the position, so that a run that goes on doubles none.
insert into import_problems (import_id, number, row, column_name, what, mend, lost)
select :id, n, r, nullif(c, ''), w, m, l
from unnest(
    :numbers::bigint[], :rows::bigint[], :columns::text[], :whats::text[], :mends::text[],
    :losts::text[]
) as t (n, r, c, w, m, l);

-- name: finish_import
-- imports_pkey.
update imports set finished_at = coalesce(finished_at, :now) where id = :id;

-- name: list_problems
-- import_problems_pkey: a range of one import.
select number, row, column_name, what, mend, lost
from import_problems
where import_id = :id and number > :after
order by number
limit :limit;

-- name: delete_import
-- imports_pkey; its problems go with it, by import_problems_pkey.
delete from imports where id = :id returning sha256;

-- name: is_file_used
-- imports_by_file.
select exists (select from imports where sha256 = :sha256);

-- name: list_expired
-- imports_pkey, from the oldest on; the limit bounds it. jobs_pkey for those that are not in whole:
-- one that failed or was cancelled is old too, one that is queued or runs is not.
select id from imports
where created_at < :before
    and (
        job_id is null or finished_at is not null
        or not exists (
            select from jobs where jobs.id = imports.job_id and jobs.state in ('queued', 'running')
        )
    )
order by id
limit :limit;
