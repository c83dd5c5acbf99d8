-- owns: messages
-- reads: leads

-- name: get_message
-- messages_pkey.
select * from messages where id = :id;

-- name: lock_message
-- messages_pkey; the lock keeps a person's decision and the dispatcher from crossing.
select * from messages where id = :id for update;

-- name: get_lead_state
-- leads_pkey.
select state from leads where id = :lead_id;

-- name: is_suppressed
-- A few probes of the suppressions' unique key.
select is_suppressed(:platform, :platform_id, :username);

-- name: page_messages
-- messages_by_campaign, newest first from the keyset on.
select * from messages
where campaign_id = :campaign_id and id < :before_id
order by id desc limit :limit;

-- name: page_messages_in_state
-- messages_by_campaign_state, newest first from the keyset on.
select * from messages
where campaign_id = :campaign_id and state = :state and id < :before_id
order by id desc limit :limit;

-- name: approve_message
-- messages_pkey.
update messages
set state = 'approved', approved_hash = :body_hash, approved_at = :now, approved_by = 'person',
    eligible_at = :now, held_by = null, error = null, updated_at = :now
where id = :id and state = 'pending'
returning *;

-- name: edit_message
-- messages_pkey. A changed text has no approval.
update messages
set state = 'pending', body = :body, body_hash = :body_hash, approved_hash = null,
    approved_at = null, approved_by = null, eligible_at = null, held_by = :held_by,
    writer = 'person', claims = '[]', edited_at = :now, updated_at = :now
where id = :id and state in ('pending', 'approved')
returning *;

-- name: cancel_message
-- messages_pkey.
update messages
set state = 'cancelled', error = :reason, held_by = null, eligible_at = null, updated_at = :now
where id = :id and state in ('pending', 'approved')
returning *;

-- name: cancel_for_person
-- The unique key's prefix (platform, platform_id). A claim that is not on the wire yet stops too.
update messages
set state = 'cancelled', error = :reason, held_by = null, eligible_at = null, charged_at = null,
    updated_at = :now
where platform = :platform and platform_id = :platform_id
    and state in ('pending', 'approved', 'claimed');

-- name: cancel_for_lead
-- messages_by_lead. A claim that is not on the wire yet stops too.
update messages
set state = 'cancelled', error = :reason, held_by = null, eligible_at = null, charged_at = null,
    updated_at = :now
where lead_id = :lead_id and state in ('pending', 'approved', 'claimed');

-- name: reopen_for_lead
-- messages_by_lead, then the suppressions' unique key. What was approved has to be approved again.
update messages m
set state = 'pending', error = null, held_by = :held_by, approved_hash = null, approved_at = null,
    approved_by = null, eligible_at = null, account_id = null, claimed_at = null, updated_at = :now
where m.lead_id = :lead_id and m.state = 'cancelled' and m.error = :reason
    and not is_suppressed(m.platform, m.platform_id, m.username);

-- name: has_message
-- messages_by_lead.
select exists (select from messages where lead_id = :lead_id);

-- name: release_campaign
-- messages_by_campaign_state: what this gate held is due at once.
update messages
set held_by = null, eligible_at = :now, updated_at = :now
where id in (
    select id from messages
    where campaign_id = :campaign_id and state = 'approved' and held_by = :gate
    order by id desc
    limit :limit
    for update skip locked
);

-- name: settle_message
-- messages_pkey. A person says what became of a message that the program cannot know about.
update messages
set state = :state::text, error = :error, updated_at = :now,
    sent_at = case when :state::text = 'sent' then coalesce(sending_at, :now) end
where id = :id and state = 'ambiguous'
returning *;

-- name: count_by_state
-- messages_by_campaign_state, index only.
select state, count(*) as messages from messages where campaign_id = :campaign_id group by state;
