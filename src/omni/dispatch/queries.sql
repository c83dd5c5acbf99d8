-- owns: messages, correspondents
-- reads: leads

-- name: get_message
-- messages_pkey.
select * from messages where id = :id;

-- name: list_open_to
-- The unique key's prefix (platform, platform_id): what may go out to a person yet, or perhaps did.
select * from messages
where platform = :platform and platform_id = :platform_id
    and state in ('pending', 'approved', 'claimed', 'sending', 'ambiguous')
order by id
limit :limit;

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
-- The unique key's prefix (platform, platform_id). A claim that is not on the wire yet stops too. What
-- a person of ours has written to them is looked at again before it goes, unless it must not go at all.
update messages
set state = case when answers is null or :for_good::boolean then 'cancelled' else 'pending' end,
    error = case when answers is null or :for_good::boolean then :reason::text end,
    held_by = case when answers is null or :for_good::boolean then null else :held_by::text end,
    approved_hash = case when answers is null or :for_good::boolean then approved_hash end,
    approved_at = case when answers is null or :for_good::boolean then approved_at end,
    eligible_at = null, charged_at = null, updated_at = :now
where platform = :platform and platform_id = :platform_id
    and state in ('pending', 'approved', 'claimed');

-- name: cancel_for_people
-- The unique key's prefix (platform, platform_id), once for each person of a batch.
update messages m
set state = 'cancelled', error = :reason, held_by = null, eligible_at = null, charged_at = null,
    updated_at = :now
from unnest(:platforms::text[], :platform_ids::text[]) as n (platform, platform_id)
where m.platform = n.platform and m.platform_id = n.platform_id
    and m.state in ('pending', 'approved', 'claimed');

-- name: mark_answered
-- The unique key's prefix (platform, platform_id): what follows these messages does not go out.
update messages
set answered_at = :now, updated_at = :now
where platform = :platform and platform_id = :platform_id
    and state in ('sending', 'sent', 'ambiguous') and answered_at is null;

-- name: note_correspondent
-- correspondents_pkey: they have written to one of our accounts, perhaps before anybody wrote to them.
insert into correspondents (platform, platform_id, since)
values (:platform, :platform_id, :now)
on conflict (platform, platform_id) do nothing;

-- name: insert_answer
-- Unique (platform, platform_id, campaign_id, step): answers stand behind every step of a campaign.
-- No row where another answer waits, or another one was written at this moment. It is for the account
-- that wrote to the person first.
insert into messages (
    campaign_id, lead_id, profile_id, platform, platform_id, username, step, body, body_hash,
    held_by, writer, answers, created_at, updated_at, bound_account_id
)
select
    :campaign_id::bigint, :lead_id::bigint, :profile_id::bigint, :platform::text,
    :platform_id::text, :username::text, greatest(coalesce(max(m.step), 0) + 1, :first_step::int),
    :body::text, :body_hash::text, :held_by::text, 'person', :answers::bigint, :now::timestamptz,
    :now::timestamptz,
    (
        select o.account_id from messages o
        where o.platform = :platform and o.platform_id = :platform_id
            and o.account_id is not null and o.state in ('sending', 'sent', 'ambiguous', 'failed')
        order by o.sending_at, o.id
        limit 1
    )
from messages m
where m.platform = :platform and m.platform_id = :platform_id and m.campaign_id = :campaign_id
having not bool_or(m.answers is not null and m.state in ('pending', 'approved', 'claimed'))
    or count(*) = 0
on conflict (platform, platform_id, campaign_id, step) do nothing
returning *;

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

-- name: count_contacted
-- messages_sent: the people whose first message was sent; what follows it goes to the same people.
select count(*) from messages where campaign_id = :campaign_id and step = 0 and state = 'sent';

-- name: count_by_state
-- messages_by_campaign_state, index only.
select state, count(*) as messages from messages where campaign_id = :campaign_id group by state;
