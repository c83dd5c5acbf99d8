-- owns:
-- reads: messages, campaigns, profile_features, leads, correspondents

-- name: page_recipients
-- leads_ranked_by_state, best first from the keyset on; each probe is on a unique key
-- (messages by person, profile_features_pkey, suppressions, correspondents) or leads_by_profile.
-- Who has written to us gets no first message, whoever wrote first.
select
    l.id as lead_id, l.profile_id, l.platform, l.platform_id, l.username, l.display_name,
    l.score, l.reasons
from leads l
join profile_features f on f.profile_id = l.profile_id
where l.campaign_id = :campaign_id
    and l.state = :state
    and (l.score, l.id) < (:before_score::double precision, :before_id::bigint)
    and f.accepts_messages is not false
    and not exists (
        select from messages m
        where m.platform = l.platform and m.platform_id = l.platform_id
            and m.campaign_id = l.campaign_id and m.step = 0
    )
    and not is_suppressed(l.platform, l.platform_id, f.username)
    and not exists (
        select from leads r where r.profile_id = l.profile_id and r.state = 'replied'
    )
    and not exists (
        select from correspondents w
        where w.platform = l.platform and w.platform_id = l.platform_id
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

-- name: count_recipients
-- As page_recipients without its order, up to the bound, by platform.
select platform, count(*) as people
from (
    select l.platform
    from leads l
    join profile_features f on f.profile_id = l.profile_id
    where l.campaign_id = :campaign_id
        and l.state in ('new', 'accepted')
        and f.accepts_messages is not false
        and not exists (
            select from messages m
            where m.platform = l.platform and m.platform_id = l.platform_id
                and m.campaign_id = l.campaign_id and m.step = 0
        )
        and not is_suppressed(l.platform, l.platform_id, f.username)
        and not exists (
            select from leads r where r.profile_id = l.profile_id and r.state = 'replied'
        )
        and not exists (
            select from correspondents w
            where w.platform = l.platform and w.platform_id = l.platform_id
        )
        and not exists (
            select from messages m
            where m.platform = l.platform and m.platform_id = l.platform_id
                and m.campaign_id <> l.campaign_id
                and (m.state = any(:open_states::text[])
                    or (m.state = 'sent' and m.sent_at > :conversation_since))
        )
    limit :limit
) open
group by platform;

-- name: count_in_conversation
-- leads_ranked_by_state, the best up to the bound; probes as in page_recipients: leads that get no
-- first message because somebody is talking with them.
select count(*)
from (
    select l.platform, l.platform_id, l.profile_id, l.campaign_id
    from leads l
    where l.campaign_id = :campaign_id and l.state in ('new', 'accepted')
    order by l.score desc, l.id desc
    limit :limit
) l
where not exists (
        select from messages m
        where m.platform = l.platform and m.platform_id = l.platform_id
            and m.campaign_id = l.campaign_id and m.step = 0
    )
    and (
        exists (
            select from correspondents w
            where w.platform = l.platform and w.platform_id = l.platform_id
        )
        or exists (select from leads r where r.profile_id = l.profile_id and r.state = 'replied')
        or exists (
            select from messages m
            where m.platform = l.platform and m.platform_id = l.platform_id
                and m.campaign_id <> l.campaign_id
                and (m.state = any(:open_states::text[])
                    or (m.state = 'sent' and m.sent_at > :conversation_since))
        )
    );

-- name: count_waiting
-- messages_to_send, one platform's part of it, up to the bound.
select count(*)
from (
    select from messages where platform = :platform and state = 'approved' limit :limit
) waiting;

-- name: page_due
-- messages_sent, the part of it whose delay has passed and is not long over; then probes of unique
-- keys (leads_pkey, messages by person, profile_features_pkey, suppressions) and of
-- leads_by_profile. Who has replied to any campaign gets no more from any.
select
    m.id as follows, m.body as earlier, l.id as lead_id, l.profile_id, l.platform, l.platform_id,
    l.username, l.display_name, l.score, l.reasons
from messages m
join leads l on l.id = m.lead_id and l.state = any(:states::text[])
join profile_features f on f.profile_id = l.profile_id and f.accepts_messages is not false
where m.campaign_id = :campaign_id
    and m.step = :step::int - 1
    and m.state = 'sent'
    and m.sent_at > :sent_after and m.sent_at <= :sent_before
    and m.id > :after_id
    and not exists (
        select from messages n
        where n.platform = m.platform and n.platform_id = m.platform_id
            and n.campaign_id = m.campaign_id and n.step = :step::int
    )
    and not is_suppressed(m.platform, m.platform_id, f.username)
    and not exists (
        select from leads r where r.profile_id = l.profile_id and r.state = 'replied'
    )
    and not exists (
        select from correspondents w
        where w.platform = l.platform and w.platform_id = l.platform_id
    )
order by m.id
limit :limit;

-- name: insert_drafts
-- leads_pkey, then unique (platform, platform_id, campaign_id, step): drafting again is a no-op. The
-- lock makes a decision on the lead come before, and then there is no draft, or after, and then it
-- sees the draft. A lead that is being changed at this moment is left to the next drafting. Who was
-- suppressed, or has replied, while the text was being written gets none. It is for the account that
-- wrote to the person first, if one has (the prefix of the unique key).
insert into messages (
    campaign_id, step, lead_id, profile_id, platform, platform_id, username, body, body_hash,
    writer, claims, held_by, created_at, updated_at, bound_account_id
)
select :campaign_id, :step, d.lead_id, d.profile_id, d.platform, d.platform_id, d.username, d.body,
    d.body_hash, d.writer, d.claims::jsonb, :held_by, :now, :now,
    (
        select o.account_id from messages o
        where o.platform = d.platform and o.platform_id = d.platform_id
            and o.account_id is not null and o.state in ('sending', 'sent', 'ambiguous', 'failed')
        order by o.sending_at, o.id
        limit 1
    )
from unnest(
    :lead_ids::bigint[], :profile_ids::bigint[], :platforms::text[], :platform_ids::text[],
    :usernames::text[], :bodies::text[], :body_hashes::text[], :writers::text[], :claims::text[]
) with ordinality
    as d (lead_id, profile_id, platform, platform_id, username, body, body_hash, writer, claims,
        place)
join leads l on l.id = d.lead_id and l.state = any(:states::text[])
where not is_suppressed(d.platform, d.platform_id, d.username)
    and not exists (
        select from leads r where r.profile_id = d.profile_id and r.state = 'replied' offset 0
    )
    and not exists (
        select from correspondents w
        where w.platform = d.platform and w.platform_id = d.platform_id
        offset 0
    )
order by d.place
for share skip locked
on conflict (platform, platform_id, campaign_id, step) do nothing;

-- name: lock_autopilot
-- campaigns_pkey. The lock makes approvals of one campaign's autopilot come one after the other.
select autopilot_cap from campaigns
where id = :campaign_id and status = 'active' for no key update;

-- name: count_autopilot
-- messages_by_autopilot, one range for what is under way and one for what went out since.
select (
    select count(*) from messages
    where campaign_id = :campaign_id and approved_by = 'autopilot'
        and state in ('approved', 'claimed', 'sending')
) + (
    select count(*) from messages
    where campaign_id = :campaign_id and approved_by = 'autopilot'
        and state in ('sent', 'ambiguous', 'failed') and charged_at > :since
);

-- name: give_back_refused
-- messages_by_autopilot, no more than its cap: what the person's own gate holds is no longer under way.
-- Its `eligible_at` stays: before that the autopilot does not try it again.
update messages
set state = 'pending', approved_hash = null, approved_at = null, approved_by = null,
    held_by = :held_by, updated_at = :now
where campaign_id = :campaign_id and approved_by = 'autopilot' and state = 'approved'
    and held_by = any(:gates::text[]) and eligible_at > :now;

-- name: approve_automatically
-- messages_by_campaign_state for what is pending, the oldest first; leads_pkey and the suppressions'
-- unique key for each. What a person has edited or approved before is theirs to approve.
update messages
set state = 'approved', approved_hash = body_hash, approved_at = :now, approved_by = 'autopilot',
    eligible_at = :now, held_by = null, error = null, updated_at = :now
where id in (
    select p.id
    from messages p
    where p.campaign_id = :campaign_id and p.state = 'pending'
        and p.edited_at is null and p.approved_hash is null and p.answers is null
        and (p.eligible_at is null or p.eligible_at <= :now)
        and exists (
            select from leads l where l.id = p.lead_id and l.state = any(:states::text[])
        )
        and not is_suppressed(p.platform, p.platform_id, p.username)
    order by p.id
    limit :limit
    for update skip locked
);

-- name: void_autopilot
-- messages_by_autopilot: no more than its cap. A claim that is not on the wire yet stops too.
update messages
set state = 'pending', approved_hash = null, approved_at = null, approved_by = null,
    eligible_at = null, held_by = :held_by, account_id = null, claimed_at = null,
    charged_at = null, updated_at = :now
where campaign_id = :campaign_id and approved_by = 'autopilot' and state in ('approved', 'claimed');
