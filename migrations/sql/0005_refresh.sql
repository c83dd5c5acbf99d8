-- Planned looks in place of the oldest first.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- profiles: when to look again ------------------------------------------------------------------

create table if not exists refreshes (
    profile_id bigint primary key references profiles_raw on delete cascade,
    platform text not null,
    interest double precision not null check (interest > 0),
    pace smallint not null,                   -- class of the estimated rate of change
    changes double precision not null,        -- looks that found a change; older ones weigh less
    changed_s double precision not null,      -- seconds of the intervals before those looks
    still_s double precision not null,        -- seconds of the intervals without a change
    looked_at timestamptz not null,           -- the last look that these count
    seen_hash text not null,                  -- content_hash at that look
    refresh_at timestamptz not null           -- when another look is worth its price
);
create index if not exists refreshes_due on refreshes (platform, refresh_at, profile_id);

create table if not exists refresh_terms (
    platform text primary key,
    price double precision not null,          -- what a look must be worth, in days of interest
    average double precision not null,        -- changes a second of the people there, on average
    longest_s double precision not null,      -- nobody's next look is planned later than this
    cost double precision not null,           -- requests for each person who is looked at
    budget int not null,                      -- requests that a run may make
    people int not null default 0,            -- asked for in the last run
    requests int not null default 0,          -- made in the last run
    failed int not null default 0,            -- batches that failed in it
    ran_at timestamptz not null
);

create table if not exists rounds (
    name text primary key,
    reached text not null,                    -- where the walk through a table is; empty: at its beginning
    counting jsonb not null,                  -- what this walk has counted so far
    counted jsonb,                            -- what the last whole walk has counted
    counted_at timestamptz
);

insert into refreshes (profile_id, platform, interest, pace, changes, changed_s, still_s, looked_at,
    seen_hash, refresh_at)
select profile_id, platform, 1, 11, 0, 0, 0, looked_at, content_hash, looked_at + interval '7 days'
from profiles_raw
where gone_since is null
on conflict (profile_id) do nothing;

-- Nobody asks for the oldest first any more, and without it a look that finds nothing changed touches no
-- index at all. A moment's lock on a table that is written in short transactions.
-- squawk-ignore require-concurrent-index-deletion
drop index if exists profiles_raw_stale;
