-- Suppressions are looked for by how an id, a username or a domain begins.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- In the order of the bytes, whatever the database's own order is, so that a beginning is a range.
-- Writers wait while it is made, a moment for a million rows.
-- squawk-ignore require-concurrent-index-creation
create index suppressions_by_name on suppressions (lower(platform_id collate "C"), id);
