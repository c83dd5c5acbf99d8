-- How a campaign's messages are written, what follows the first one, and approval without a person.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table campaigns add column writer text not null default 'template';
-- What is written after the first message, each with the hours after the one before was sent.
alter table campaigns add column follow_ups jsonb not null default '[]';
-- A person has set how many messages may go without a look of theirs in any 24 hours; null: none.
alter table campaigns add column autopilot_cap int;
alter table campaigns add column autopilot_since timestamptz;

alter table messages add column writer text not null default 'template';  -- or model, or person
alter table messages add column claims jsonb not null default '[]';       -- what it says of them, with quotes
alter table messages add column approved_by text;                         -- person or autopilot
alter table messages add column edited_at timestamptz;                    -- by a person: theirs to approve

-- What the autopilot has approved is few; what was sent is found by campaign and step to follow it up.
-- A migration runs in a transaction, in which neither can be made concurrently; writers wait while
-- they are made, about a second for a million messages.
-- squawk-ignore require-concurrent-index-creation
create index messages_by_autopilot on messages (campaign_id, state, charged_at)
    where approved_by = 'autopilot';
-- squawk-ignore require-concurrent-index-creation
create index messages_sent on messages (campaign_id, step, sent_at, id) where state = 'sent';
