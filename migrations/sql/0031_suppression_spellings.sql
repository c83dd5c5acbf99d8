-- One suppression may stand in several spellings, each a row: a domain as it is shown and as the wire
-- has it, a name in any case, a name and the addresses of the same profile.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- The `platform_id` of the row that people are shown; null: this is it.
alter table suppressions add column spelling_of text;

-- Nobody has one yet: an empty index, made in a moment.
-- squawk-ignore require-concurrent-index-creation
create index suppressions_spelled on suppressions (platform, spelling_of)
    where spelling_of is not null;
