-- owns:
-- reads: host_reports

-- name: erase_host_reports
-- Reads the table, which has a row for each process; each is written anew within a minute.
delete from host_reports h where h.hosts::text ~* :pattern;
