-- owns:
-- reads: leads

-- name: page_leads_to_replay
-- The campaign's leads that stand, each with the verdict that it came from, by the primary key:
-- a campaign's leads are few among all, so leads_ranked finds them and a sort puts them in order.
select
    l.id, l.profile_id, l.username, l.score_id, l.score, l.confidence, l.reasons
from leads l
where l.campaign_id = :campaign_id and l.state <> 'withdrawn' and l.id > :after
order by l.id
limit :limit;
