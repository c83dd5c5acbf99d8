-- Conversations of one campaign, the last that moved first.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- A migration runs in a transaction, in which it cannot be made concurrently; there are as many
-- conversations as people who wrote back, and writers wait while it is made.
-- squawk-ignore require-concurrent-index-creation
create index threads_by_campaign on threads (campaign_id, last_at desc, id desc);
