-- owns:
-- reads: leads, llm_scores, judge_disagreements

-- name: list_labels
-- What people decided, each with the verdict that it is held against: of leads (leads_ranked) the one
-- that they came from, by key; of settled disagreements (judge_disagreements_by_campaign) the newest
-- one under the campaign's criteria, by llm_scores_by_profile. A decision on a lead comes first.
select distinct on (labelled.profile_id)
    labelled.profile_id, labelled.qualified, labelled.score, labelled.fits
from (
    select 0 as place, l.profile_id, s.qualified, s.score, l.state <> 'rejected' as fits,
        l.decided_at as said_at
    from leads l
    join llm_scores s on s.id = l.score_id
    where l.campaign_id = :campaign_id and l.decided_at is not null
      and l.state in ('accepted', 'rejected', 'contacted', 'replied')
    union all
    select 1, d.profile_id, v.qualified, v.score, d.fits, d.settled_at
    from judge_disagreements d
    cross join lateral (
        select s.qualified, s.score
        from llm_scores s
        where s.profile_id = d.profile_id and s.campaign_id = d.campaign_id
          and s.criteria_hash = :criteria_hash and s.outcome = 'verdict'
        order by s.id desc
        limit 1
    ) v
    where d.campaign_id = :campaign_id and d.fits is not null
) labelled
order by labelled.profile_id, labelled.place, labelled.said_at desc
limit :limit;
