-- What enrichment made the features with, the place of a person, and rows laid out for the write path.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table profile_features add column if not exists place text;
alter table profile_features add column if not exists enrich_version int not null default 0;

-- A row of features is 2 to 3 kB. Kept in one piece it is written in half the time, and the search
-- index and the view are read without a second look-up.
alter table profile_features set (toast_tuple_target = 4080);

-- The payload stands apart and uncompressed: then noting that somebody was seen rewrites a short row
-- and not the payload with it, and finds room for that on the same page.
alter table profiles_raw alter column payload set storage external;
alter table profiles_raw set (toast_tuple_target = 256, fillfactor = 80);
