-- owns: accounts, messages
-- reads: campaigns, profile_features, leads, suppressions

-- name: insert_account
-- Unique (platform, handle): a second one returns no row.
insert into accounts (platform, handle, credentials, hourly_limit, daily_limit, created_at)
values (:platform, :handle, :secret, :hourly_limit, :daily_limit, :now)
on conflict (platform, handle) do nothing
returning id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at;

-- name: list_accounts
-- accounts_pkey, in order: a table of a few rows, bounded by the limit.
select id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at
from accounts order by id limit :limit;

-- name: get_account
-- accounts_pkey.
select id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at
from accounts where id = :id;

-- name: get_credentials
-- accounts_pkey. No query but this and lock_secrets reads the encrypted secret.
select handle, credentials from accounts where id = :id;

-- name: lock_secrets
-- accounts_pkey, in order: a table of a few rows, bounded by the limit.
select id, credentials from accounts
where credentials is not null
order by id limit :limit for no key update;

-- name: put_secret
-- accounts_pkey.
update accounts set credentials = :secret where id = :id;

-- name: set_account_status
-- accounts_pkey.
update accounts
set status = :status, pause_reason = :reason
where id = :id
returning id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at;

-- name: page_recipients
-- leads_ranked_by_state, best first from the keyset on; each probe is on a unique key
-- (messages by person, suppressions by person, profile_features_pkey).
select
    l.id as lead_id, l.profile_id, l.platform, l.platform_id, l.username, l.display_name,
    l.score, l.reasons
from leads l
where l.campaign_id = :campaign_id
    and l.state = :state
    and (l.score, l.id) < (:before_score::double precision, :before_id::bigint)
    and exists (
        select from profile_features f
        where f.profile_id = l.profile_id and f.accepts_messages is not false
    )
    and not exists (
        select from messages m
        where m.platform = l.platform and m.platform_id = l.platform_id
            and m.campaign_id = l.campaign_id and m.step = 0
    )
    and not exists (
        select from suppressions s
        where s.platform = l.platform and s.platform_id = l.platform_id
    )
    and not exists (
        select from messages m
        where m.platform = l.platform and m.platform_id = l.platform_id
            and m.campaign_id <> l.campaign_id
            and (m.state = any(:open_states::text[])
                or (m.state = 'sent' and m.sent_at > :conversation_since))
    )
order by l.score desc, l.id desc
limit :limit;

-- name: insert_drafts
-- leads_pkey, then unique (platform, platform_id, campaign_id, step): drafting again is a no-op. The
-- lock makes a decision on the lead come before, and then there is no draft, or after, and then it
-- sees the draft. A lead that is being changed at this moment is left to the next drafting.
insert into messages (
    campaign_id, lead_id, profile_id, platform, platform_id, username, body, body_hash,
    held_by, created_at, updated_at
)
select :campaign_id, d.lead_id, d.profile_id, d.platform, d.platform_id, d.username, d.body,
    d.body_hash, :held_by, :now, :now
from unnest(
    :lead_ids::bigint[], :profile_ids::bigint[], :platforms::text[], :platform_ids::text[],
    :usernames::text[], :bodies::text[], :body_hashes::text[]
) with ordinality
    as d (lead_id, profile_id, platform, platform_id, username, body, body_hash, place)
join leads l on l.id = d.lead_id and l.state in ('new', 'accepted')
order by d.place
for share skip locked
on conflict (platform, platform_id, campaign_id, step) do nothing;

-- name: get_message
-- messages_pkey.
select * from messages where id = :id;

-- name: lock_message
-- messages_pkey; the lock keeps a person's decision and the dispatcher from crossing.
select * from messages where id = :id for update;

-- name: get_lead_state
-- leads_pkey.
select state from leads where id = :lead_id;

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
set state = 'approved', approved_hash = :body_hash, approved_at = :now, eligible_at = :now,
    held_by = null, error = null, updated_at = :now
where id = :id and state = 'pending'
returning *;

-- name: edit_message
-- messages_pkey. A changed text has no approval.
update messages
set state = 'pending', body = :body, body_hash = :body_hash, approved_hash = null,
    approved_at = null, eligible_at = null, held_by = :held_by, updated_at = :now
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
    eligible_at = null, account_id = null, claimed_at = null, updated_at = :now
where m.lead_id = :lead_id and m.state = 'cancelled' and m.error = :reason
    and not exists (
        select from suppressions s
        where s.platform = m.platform and s.platform_id = m.platform_id
    );

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

-- name: release_platform
-- messages_to_send, from now on: what this gate held is due at once.
update messages
set held_by = null, eligible_at = :now, updated_at = :now
where id in (
    select id from messages
    where platform = :platform and state = 'approved' and eligible_at > :now and held_by = :gate
    order by eligible_at
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

-- name: lock_account
-- accounts_pkey. Claims of one account happen one after the other, in every worker; the lock lets
-- the foreign key of `messages` through.
select id, platform, handle, hourly_limit, daily_limit, status, pause_reason, created_at
from accounts where id = :id for no key update;

-- name: list_charges
-- messages_charged; at most as many rows as the daily limit, for more decide nothing.
select charged_at, state in ('claimed', 'sending') as in_flight
from messages
where account_id = :account_id and charged_at > :since
order by charged_at desc limit :limit;

-- name: pick_message
-- messages_to_send: the one that has been eligible for the longest time; a row that another
-- worker holds is passed over.
select * from messages
where platform = :platform and state = 'approved' and eligible_at <= :now
order by eligible_at, id
limit 1
for update skip locked;

-- name: read_facts
-- messages_pkey, then a probe of one unique key for each gate.
select
    exists (
        select from suppressions s
        where s.platform = m.platform and s.platform_id = m.platform_id
    ) as suppressed,
    m.profile_id is not null and not exists (
        select from profile_features f
        where f.profile_id = m.profile_id and f.accepts_messages is not false
    ) as refuses,
    m.lead_id is not null and not exists (
        select from leads l
        where l.id = m.lead_id and l.state in ('new', 'accepted', 'contacted', 'replied')
    ) as lead_closed,
    exists (
        select from leads l where l.id = m.lead_id and l.state = 'replied'
    ) or exists (
        select from messages o
        where o.platform = m.platform and o.platform_id = m.platform_id
            and o.campaign_id <> m.campaign_id
            and (o.state in ('sending', 'ambiguous')
                or (o.state = 'sent' and o.sent_at > :conversation_since))
    ) as in_conversation,
    exists (
        select from campaigns c where c.id = m.campaign_id and c.status = 'active'
    ) as campaign_active,
    exists (
        select from accounts a where a.id = :account_id and a.status = 'active'
    ) as account_active
from messages m
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

-- name: list_waiting_platforms
-- messages_to_send, one probe for each platform (a loose index scan).
with recursive waiting as (
    (select platform from messages where state = 'approved' order by platform limit 1)
    union all
    select (
        select m.platform from messages m
        where m.state = 'approved' and m.platform > w.platform
        order by m.platform
        limit 1
    )
    from waiting w
    where w.platform is not null
)
select platform from waiting where platform is not null;

-- name: mark_waiting
-- messages_to_send: the head of the queue says what it waits for; its order stays as it is.
with head as (
    select id, held_by from messages
    where platform = :platform and state = 'approved' and eligible_at <= :now
    order by eligible_at, id
    limit :limit
),
marked as (
    update messages m
    set held_by = :gate, updated_at = :now
    from head h
    where m.id = h.id and m.state = 'approved' and h.held_by is distinct from :gate
    returning m.id
)
select (select count(*) from head) as waiting, (select count(*) from marked) as marked;

-- name: count_held
-- messages_to_send and messages_waiting, each up to the bound.
select held_by as gate, count(*) as messages
from (
    (select held_by from messages where state = 'approved' and held_by is not null limit :limit)
    union all
    (select :approval::text from messages where state = 'pending' limit :limit)
) held
group by held_by;

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
