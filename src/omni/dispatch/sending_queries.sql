-- owns:
-- reads: accounts, messages, campaigns, profile_features, leads, correspondents

-- name: pick_own
-- messages_bound: whom this account has written to before, and who has waited for the longest time;
-- a row that another worker holds is passed over.
select * from messages
where bound_account_id = :account_id and state = 'approved' and eligible_at <= :now
order by eligible_at, id
limit 1
for update skip locked;

-- name: pick_message
-- messages_unbound: people to whom no account has written, likewise; a few are passed over, which
-- another account may write to at this hour.
select * from messages
where platform = :platform and bound_account_id is null and state = 'approved'
    and eligible_at <= :now and id <> all(:passed::bigint[])
order by eligible_at, id
limit 1
for update skip locked;

-- name: read_facts
-- messages_pkey, then a probe of one unique key for each gate. Somebody may have taken another name
-- since the message was written, and was suppressed by that one.
select
    is_suppressed(m.platform, m.platform_id, m.username) or exists (
        select from profile_features f
        where f.profile_id = m.profile_id and f.username <> m.username
            and is_suppressed(m.platform, m.platform_id, f.username)
    ) as suppressed,
    m.profile_id is not null and not exists (
        select from profile_features f
        where f.profile_id = m.profile_id and f.accepts_messages is not false
    ) as refuses,
    m.lead_id is not null and not exists (
        select from leads l
        where l.id = m.lead_id and l.state in ('new', 'accepted', 'contacted', 'replied')
    ) as lead_closed,
    m.answers is null and (
        exists (
            select from leads l where l.id = m.lead_id and l.state = 'replied'
        ) or exists (
            select from correspondents w
            where w.platform = m.platform and w.platform_id = m.platform_id
        ) or exists (
            select from messages o
            where o.platform = m.platform and o.platform_id = m.platform_id
                and ((m.step > 0 and o.answered_at is not null)
                    or (o.campaign_id <> m.campaign_id
                        and (o.state in ('sending', 'ambiguous')
                            or (o.state = 'sent' and (
                                o.sent_at > :conversation_since
                                or o.answered_at is not null
                                or exists (
                                    select from leads l
                                    where l.id = o.lead_id and l.state = 'replied'
                                )
                            )))))
        )
    ) as in_conversation,
    (
        select nullif(o.account_id, :account_id) from messages o
        where o.platform = m.platform and o.platform_id = m.platform_id
            and o.id <> m.id and o.account_id is not null
            and o.state in ('sending', 'sent', 'ambiguous', 'failed')
        order by o.sending_at, o.id
        limit 1
    ) as other_sender,
    f.country, f.place,
    (
        select max(coalesce(o.sent_at, o.sending_at)) from messages o
        where o.platform = m.platform and o.platform_id = m.platform_id
            and o.id <> m.id and o.state in ('sending', 'sent', 'ambiguous')
            and m.answers is null
    ) as written_at,
    exists (
        select from campaigns c where c.id = m.campaign_id and c.status = 'active'
    ) as campaign_active,
    exists (
        select from accounts a where a.id = :account_id and a.status = 'active'
    ) as account_active
from messages m
left join profile_features f on f.profile_id = m.profile_id
where m.id = :id;

-- name: claim_message
-- messages_pkey; the row is locked by pick_message.
update messages
set state = 'claimed', account_id = :account_id, claimed_at = :now, charged_at = :now,
    held_by = null, updated_at = :now
where id = :id
returning *;

-- name: set_aside
-- messages_pkey; the row is locked by this transaction. It costs the account nothing.
update messages
set state = :state, held_by = :gate, eligible_at = :eligible_at, account_id = null,
    claimed_at = null, charged_at = null, updated_at = :now
where id = :id;

-- name: set_aside_campaign
-- messages_by_campaign_state: a paused campaign leaves the head of the queue in one statement.
update messages
set held_by = :gate, eligible_at = :eligible_at, updated_at = :now
where id in (
    select id from messages
    where campaign_id = :campaign_id and state = 'approved'
    order by id desc
    limit :limit
    for update skip locked
);

-- name: hold_claim
-- messages_pkey. A claim that was cancelled or given back meanwhile is left alone.
update messages
set state = 'approved', held_by = :gate, error = :error, eligible_at = :eligible_at,
    account_id = null, claimed_at = null, charged_at = null, updated_at = :now
where id = :id and state = 'claimed' and account_id = :account_id and claimed_at = :claimed_at;

-- name: hold_person
-- No table: one transaction at a time may put a message to this person on the wire.
select pg_advisory_xact_lock(hashtextextended(:person, 0));

-- name: lock_claim
-- messages_pkey. No row: the claim was cancelled, or given back and perhaps claimed by another.
select * from messages
where id = :id and state = 'claimed' and account_id = :account_id and claimed_at = :claimed_at
for update;

-- name: start_sending
-- messages_pkey; the row is locked by lock_claim.
update messages
set state = 'sending', sending_at = :now, charged_at = :now, updated_at = :now
where id = :id
returning *;

-- name: bind_message
-- messages_pkey; the row is locked by this transaction. It waits for the account that wrote to this
-- person first; its place in the queue stays.
update messages
set state = 'approved', bound_account_id = :bound_account_id, held_by = :gate, account_id = null,
    claimed_at = null, charged_at = null, updated_at = :now
where id = :id;

-- name: bind_person
-- The unique key's prefix (platform, platform_id): what else waits for this person is for the
-- account that writes to them now. A row that somebody holds is bound when it is claimed.
update messages
set bound_account_id = :account_id
where id in (
    select id from messages
    where platform = :platform and platform_id = :platform_id
        and state in ('pending', 'approved') and bound_account_id is distinct from :account_id
    for update skip locked
);

-- name: record_outcome
-- messages_pkey. Charged if it was taken, or perhaps. The worker that was on the wire knows better
-- than one that gave it up for lost, but a message that is in doubt is never approved again.
update messages
set state = :state::text, error = :error, platform_message_id = :platform_message_id,
    held_by = :gate, eligible_at = :eligible_at, updated_at = :now,
    sent_at = case when :state::text = 'sent' then :now::timestamptz end,
    charged_at = case when :state::text in ('sent', 'ambiguous') then :now::timestamptz end,
    account_id = case when :state::text <> 'approved' then account_id end,
    claimed_at = case when :state::text <> 'approved' then claimed_at end,
    sending_at = case when :state::text <> 'approved' then sending_at end
where id = :id and account_id = :account_id and claimed_at = :claimed_at
    and (state = 'sending' or (state = 'ambiguous' and :state::text in ('sent', 'failed')));

-- name: give_back_lost
-- messages_in_flight: claims of a worker that is gone were never on the wire.
update messages
set state = 'approved', account_id = null, claimed_at = null, charged_at = null, updated_at = :now
where id in (
    select id from messages
    where state = 'claimed' and claimed_at <= :lost_before
    order by claimed_at
    limit :limit
    for update skip locked
);

-- name: doubt_lost
-- messages_in_flight: what a worker that is gone was sending may have arrived: never sent again.
update messages
set state = 'ambiguous', error = :error, charged_at = :now, updated_at = :now
where id in (
    select id from messages
    where state = 'sending' and claimed_at <= :lost_before and sending_at <= :lost_before
    order by claimed_at
    limit :limit
    for update skip locked
);

-- name: list_writing_on
-- messages_bound, one probe for each account: those with something due for people whom they have
-- written to before, and who may have answered.
select a.id from accounts a
where a.status = 'active' and exists (
    select from messages m
    where m.bound_account_id = a.id and m.state = 'approved' and m.eligible_at <= :now
)
order by a.id
limit :limit;

-- name: hold_bound
-- messages_bound: what is due for those whom the account has written to before waits for a moment.
update messages
set held_by = :gate, eligible_at = :eligible_at, error = :error, updated_at = :now
where id in (
    select id from messages
    where bound_account_id = :account_id and state = 'approved' and eligible_at <= :now
    order by eligible_at, id
    limit :limit
    for update skip locked
);

-- name: last_sent
-- messages_charged, for each account from its newest entry on: a handful that are under way, or in
-- doubt, come before the newest that was sent. That one never becomes older.
select current_database() as name, (
    select max(s.charged_at)
    from accounts a
    cross join lateral (
        select m.charged_at from messages m
        where m.account_id = a.id and m.charged_at is not null and m.state = 'sent'
        order by m.charged_at desc
        limit 1
    ) s
) as at;

-- name: list_contacted
-- messages_charged for each account, then leads_pkey: leads whose mark got lost are found again.
select l.id
from accounts a
cross join lateral (
    select m.lead_id from messages m
    where m.account_id = a.id and m.charged_at > :since and m.state = 'sent'
    order by m.charged_at desc
    limit :limit
) s
join leads l on l.id = s.lead_id
where l.state in ('new', 'accepted', 'withdrawn')
limit :limit;
