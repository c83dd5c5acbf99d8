-- Messages that were perhaps sent: how often and when they are looked for in their threads.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table messages add column looks int not null default 0;
alter table messages add column look_at timestamptz;  -- null: at once

-- Few: a person is asked about the others. A migration runs in a transaction, in which it cannot be
-- made concurrently; writers wait while it is made, about a second for a million messages.
-- squawk-ignore require-concurrent-index-creation
create index messages_in_doubt on messages (id) where state = 'ambiguous' and held_by is null;
