-- Replies that wait for a model: those to a campaign, whose budget pays. What strangers write is no
-- part of it, however much it is.

set local lock_timeout = '5s';
set local statement_timeout = '10min';

-- Writers wait while it is made, a moment for a million events.
-- squawk-ignore require-concurrent-index-creation
create index feedback_events_unread on feedback_events (id)
    where kind = 'replied' and classed_by = 'rules' and body is not null
        and campaign_id is not null;
-- squawk-ignore require-concurrent-index-deletion
drop index feedback_events_unclear;
