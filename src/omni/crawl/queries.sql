-- owns: crawl_steps
-- reads: jobs

-- name: append_entry
-- Primary key. A position that another run has taken stays as it is: whoever comes second has lost
-- the crawl to the other.
insert into crawl_steps (job_id, position, entry, written_at)
values (:job_id::uuid, :position::int, :entry::bytea, :now::timestamptz)
on conflict (job_id, position) do nothing;

-- name: read_entries
-- A range of the primary key, in its order.
select position, entry
from crawl_steps
where job_id = :job_id::uuid and position >= :start::int
order by position
limit :limit::int;

-- name: delete_ended
-- Goes from job to job along the primary key, one probe each: there are as many as crawls that run
-- and crawls that ended since the last look. The jobs by their primary key.
with recursive logged as (
    (select job_id from crawl_steps order by job_id limit 1)
    union all
    select (select s.job_id from crawl_steps s where s.job_id > l.job_id order by s.job_id limit 1)
    from logged l
    where l.job_id is not null
), ended as (
    select l.job_id
    from logged l
    where l.job_id is not null
        and not exists (
            select from jobs j where j.id = l.job_id and j.state in ('queued', 'running')
        )
    limit :limit::int
)
delete from crawl_steps s using ended where s.job_id = ended.job_id;
