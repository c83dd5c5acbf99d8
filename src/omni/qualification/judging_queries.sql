-- reads: profile_features, llm_scores
-- owns:

-- name: get_view
-- By the primary key: all that a judge may see of a person.
select f.profile_id, f.username, f.view, f.view_hash
from profile_features f
where f.profile_id = :profile_id;

-- name: get_view_shown
-- By the primary keys of profile_features and images: the hash of what a model is shown of a person.
select view_shown(f.profile_id, f.view_hash, :model::text)
from profile_features f
where f.profile_id = :profile_id;

-- name: page_verdicts
-- The verdicts under a campaign's present criteria and prompt, in the order of
-- llm_scores_by_criteria, whatever judge gave them.
select
    s.id, s.profile_id, s.username, s.profile_hash, coalesce(o.criteria_hash, s.criteria_hash) as
    criteria_hash, s.prompt_version, s.model,
    s.qualified, s.score, s.confidence, s.reasons
from llm_scores s
left join llm_scores o on o.id = s.carried_from
where s.outcome = 'verdict'
  and s.campaign_id = :campaign_id and s.criteria_hash = :criteria_hash
  and s.prompt_version = :prompt_version
  and (s.profile_id, s.id) > (:after_profile::bigint, :after_id::bigint)
order by s.profile_id, s.id
limit :limit;

-- name: get_verdicts
-- By the primary key.
select
    s.id, s.profile_id, s.username, s.profile_hash, coalesce(o.criteria_hash, s.criteria_hash) as
    criteria_hash, s.prompt_version, s.model,
    s.qualified, s.score, s.confidence, s.reasons
from llm_scores s
left join llm_scores o on o.id = s.carried_from
where s.id = any(:ids::bigint[]) and s.outcome = 'verdict';
