-- owns: host_reports
-- reads:

-- name: put_report
-- One row by the primary key; a process has one row, replaced every few seconds.
insert into host_reports (process, hosts, reported_at)
values (:process, :hosts, :now)
on conflict (process) do update
set hosts = excluded.hosts, reported_at = excluded.reported_at

-- name: drop_report
-- One row by the primary key.
delete from host_reports where process = :process

-- name: forget_gone
-- Reads the whole table: it has a row for each process that runs, so some dozen.
delete from host_reports where reported_at < :before

-- name: list_reports
-- Reads the whole table, which has a row for each process.
select process, hosts, reported_at
from host_reports
where reported_at >= :since
order by reported_at desc
limit :limit
