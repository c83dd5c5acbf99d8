-- owns:
-- reads: messages, profile_features, leads

-- name: page_recipients
-- leads_ranked_by_state, best first from the keyset on; each probe is on a unique key
-- (messages by person, suppressions by person, profile_features_pkey).
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
