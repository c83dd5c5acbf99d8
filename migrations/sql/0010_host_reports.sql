-- What each process tells of the hosts that it asks over HTTP, for the API and the web UI.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table host_reports (
    process text primary key,                 -- part, machine and number of the process
    hosts jsonb not null,                     -- a list of HostMetrics, at most 200
    reported_at timestamptz not null
) with (autovacuum_vacuum_threshold = 1000);
