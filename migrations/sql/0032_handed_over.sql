-- When a message was handed over in a file: given to it by the first who asks for the file after the
-- message was committed, so that no later reading has it before an earlier one.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

alter table messages add column handed_at timestamptz;
-- The last one of the account: the next is later.
alter table accounts add column handed_at timestamptz;

-- Whoever has fetched them has asked by this moment before.
update messages set handed_at = charged_at
where platform_message_id like 'export:%' and state = 'sent' and charged_at is not null;
update accounts a set handed_at = (
    select max(m.handed_at) from messages m where m.account_id = a.id and m.handed_at is not null
);

-- Writers wait while they are made, a moment for a million messages.
-- squawk-ignore require-concurrent-index-creation
create index messages_handed on messages (account_id, handed_at, id) where handed_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index messages_to_hand on messages (account_id, id)
    where state = 'sent' and handed_at is null and platform_message_id like 'export:%';
