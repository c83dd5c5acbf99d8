-- owns:
-- reads: leads, campaign_candidates, judge_disagreements, messages, feedback_events

-- name: rank_leads
-- The campaign's own part of leads_ranked, or of leads_ranked_by_state where one state is asked for,
-- in its order and from the index alone: the ids, eight bytes each, as they rank at this moment.
select string_agg(int8send(l.id), ''::bytea order by l.score desc, l.id desc)
from leads l
where l.campaign_id = :campaign_id {{in_state}};

-- name: list_leads_whole
-- Each by leads_pkey, in the order of the ids; with a probe of campaign_candidates_pkey and of the
-- suppressions, and the few rows of judge_disagreements_by_profile, messages_by_lead and
-- feedback_events_by_lead. "offset 0" keeps the planner from joining a page with whole tables.
select
    l.id as lead_id, l.profile_id, l.platform, l.platform_id, l.username, l.display_name as name,
    substring((:profile_urls::jsonb ->> l.platform) || l.platform_id from '^https?://.*')
        as profile_url,
    l.state, l.score, l.confidence, c.cheap_score, l.reasons,
    case coalesce(
        case when l.decided_at is not null and l.state <> 'withdrawn' then l.state <> 'rejected' end,
        d.fits
    ) when true then 'fits' when false then 'does_not_fit' end as label,
    coalesce(l.decided_at, d.settled_at) as labelled_at,
    is_suppressed(l.platform, l.platform_id, l.username) as suppressed,
    m.state as message_state, m.step + 1 as message_step, m.sent_at as last_sent_at,
    e.kind as reply, e.occurred_at as replied_at, l.created_at, l.updated_at
from unnest(:ids::bigint[]) with ordinality as wanted (id, place)
join leads l on l.id = wanted.id
left join lateral (
    select cc.candidate_score_cheap as cheap_score from campaign_candidates cc
    where cc.profile_id = l.profile_id and cc.campaign_id = l.campaign_id
    offset 0
) c on true
left join lateral (
    select jd.fits, jd.settled_at from judge_disagreements jd
    where jd.profile_id = l.profile_id and jd.campaign_id = l.campaign_id and jd.fits is not null
    order by jd.settled_at desc
    limit 1
) d on true
left join lateral (
    select (array_agg(s.state order by s.id desc))[1] as state,
        (array_agg(s.step order by s.id desc))[1] as step, max(s.sent_at) as sent_at
    from messages s
    where s.lead_id = l.id
    offset 0
) m on true
left join lateral (
    select f.kind, f.occurred_at from feedback_events f
    where f.lead_id = l.id and f.kind not in ('delivered', 'seen', 'accepted', 'rejected')
    order by f.occurred_at desc, f.id desc
    limit 1
) e on true
order by wanted.place;
