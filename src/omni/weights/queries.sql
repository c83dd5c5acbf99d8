-- owns:
-- reads: campaign_weights, feedback_events, messages, leads, profile_features

-- name: list_outcomes
-- The newest events by feedback_events_by_campaign and the newest messages by
-- messages_by_campaign_state, each up to the bound; then leads_pkey and profile_features_pkey.
with events as (
    select e.lead_id, e.kind, e.occurred_at as at
    from feedback_events e
    where e.campaign_id = :campaign_id and e.lead_id is not null and e.kind = any(:kinds::text[])
    order by e.occurred_at desc, e.id desc
    limit :limit
),
silent as (
    select m.lead_id, 'silent' as kind, m.sent_at as at
    from messages m
    where m.campaign_id = :campaign_id and m.state = 'sent' and m.lead_id is not null
        and m.sent_at <= :silent_since
    order by m.id desc
    limit :limit
),
outcomes as (select * from events union all select * from silent)
select o.lead_id, o.kind, o.at, f.signals
from outcomes o
join leads l on l.id = o.lead_id
join profile_features f on f.profile_id = l.profile_id;

-- name: get_chosen_weights
-- campaign_weights_pkey, newest first: the last weights that no learner made.
select weights from campaign_weights
where campaign_id = :campaign_id and trained_on = 0
order by version desc
limit 1;
