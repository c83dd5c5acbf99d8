-- owns:
-- reads: crawl_steps, jobs

-- name: wait_for_crawls
-- Reads the logs of the crawls that run, which are bounded; jobs by their primary key.
select 'a crawl that has met them is still running' as words
from crawl_steps s
join jobs j on j.id = s.job_id
where j.state in ('queued', 'running')
  and position(convert_to(:platform_id, 'UTF8') in s.entry) > 0
limit 1;

-- name: erase_crawl_steps
-- Reads the logs that are left of crawls, each of which is removed soon after its end.
delete from crawl_steps s where position(convert_to(:platform_id, 'UTF8') in s.entry) > 0;
