-- owns: llm_scores
-- reads: campaign_candidates, profile_features, profiles_raw

-- name: list_views
-- The views to judge, read right before they are judged: no row where the candidate is gone, or where
-- another worker was faster, be it with a verdict or with the last refused answer that is paid for.
-- Uses the keys of campaign_candidates and profile_features, llm_scores_cache and
-- llm_scores_refused; "offset 0" keeps the planner from joining whole tables.
select
    c.profile_id, f.username, f.view, n.view_hash, c.candidate_score_cheap as cheap_score,
    r.refusals
from campaign_candidates c
join profile_features f on f.profile_id = c.profile_id
cross join lateral (
    select view_shown(f.profile_id, f.view_hash, :model) as view_hash offset 0
) n
cross join lateral (
    select count(*) as refusals
    from llm_scores s
    where s.outcome = 'refused'
      and s.campaign_id = c.campaign_id and s.profile_id = c.profile_id
      and s.profile_hash = n.view_hash and s.criteria_hash = :criteria_hash
      and s.model = :model and s.prompt_version = :prompt_version
    offset 0
) r
where c.profile_id = any(:profile_ids::bigint[]) and c.campaign_id = :campaign_id
  and r.refusals < :most_refusals::int
  and not exists (
    select from llm_scores s
    where s.outcome = 'verdict'
      and s.campaign_id = c.campaign_id and s.profile_id = c.profile_id
      and s.profile_hash = n.view_hash and s.criteria_hash = :criteria_hash
      and s.model = :model and s.prompt_version = :prompt_version
    offset 0
  );

-- name: insert_answer
-- One row an answer; a second verdict under one key is a no-op (llm_scores_cache). The profile is
-- locked as the foreign key would lock it, so that one that was erased meanwhile gives no row
-- instead of an error. Whose verdict is no longer under way (by the key of llm_flights) is let go in
-- the same commit.
with ended as (
    delete from llm_flights l
    where l.campaign_id = :campaign_id and l.profile_id = :profile_id
      and l.profile_hash = :profile_hash and l.criteria_hash = :criteria_hash
      and l.model = :model and l.prompt_version = :prompt_version and l.holder = :holder::uuid
)
insert into llm_scores (
    campaign_id, profile_id, username, profile_hash, criteria_hash, model, prompt_version,
    outcome, qualified, score, confidence, reasons, raw, error, latency_ms, created_at
)
select
    :campaign_id::bigint, p.profile_id, :username::text, :profile_hash::text,
    :criteria_hash::text, :model::text, :prompt_version::text,
    :outcome::text, :qualified::boolean, :score::double precision,
    :confidence::double precision, :reasons::jsonb, :raw::text, :error::text,
    :latency_ms::double precision, :now::timestamptz
from profiles_raw p
where p.profile_id = :profile_id
for key share
on conflict (campaign_id, profile_id, profile_hash, criteria_hash, model, prompt_version)
    where outcome = 'verdict'
    do nothing;

-- name: find_carriable
-- A campaign's candidates with a verdict under other criteria on their view as it is now: a page, in the
-- order of llm_scores_by_criteria, or of certain people, by probes of llm_scores_cache. Each costs a
-- probe of the keys of profile_features and campaign_candidates, and none where the present criteria
-- have a verdict already (llm_scores_cache).
select s.id, s.profile_id, s.profile_hash, s.reasons, f.view
from llm_scores s
cross join lateral (
    select case when :with_views::boolean then pf.view else '{}' end as view
    from profile_features pf
    where pf.profile_id = s.profile_id
      and view_shown(pf.profile_id, pf.view_hash, :model) = s.profile_hash
    offset 0
) f
where s.outcome = 'verdict'
  and s.campaign_id = :campaign_id and s.criteria_hash = :source_hash
  and s.prompt_version = :prompt_version and s.model = :model
  and exists (
    select from campaign_candidates c
    where c.profile_id = s.profile_id and c.campaign_id = :campaign_id
    offset 0
  )
  and not exists (
    select from llm_scores n
    where n.outcome = 'verdict'
      and n.campaign_id = :campaign_id and n.profile_id = s.profile_id
      and n.profile_hash = s.profile_hash and n.criteria_hash = :criteria_hash
      and n.model = :model and n.prompt_version = :prompt_version
    offset 0
  )
  {{whom}};

-- name: carry_verdicts
-- By the primary key: verdicts that stand under other criteria, too. Where those have one already it is
-- a no-op (llm_scores_cache). Profiles are locked as the foreign key would lock them, so that one that
-- was erased meanwhile gives no row instead of an error.
insert into llm_scores (
    campaign_id, profile_id, username, profile_hash, criteria_hash, model, prompt_version,
    outcome, qualified, score, confidence, reasons, raw, latency_ms, created_at, carried_from
)
select
    s.campaign_id, p.profile_id, s.username, s.profile_hash, :criteria_hash::text, s.model,
    s.prompt_version, s.outcome, s.qualified, s.score, s.confidence, s.reasons, s.raw,
    s.latency_ms, :now::timestamptz, coalesce(s.carried_from, s.id)
from llm_scores s
cross join lateral (
    select pr.profile_id from profiles_raw pr where pr.profile_id = s.profile_id for key share
) p
where s.id = any(:ids::bigint[]) and s.outcome = 'verdict'
on conflict (campaign_id, profile_id, profile_hash, criteria_hash, model, prompt_version)
    where outcome = 'verdict'
    do nothing;

-- name: count_verdicts
-- The candidates whose newest verdict is on their view as it is now, and those of them whom it lets
-- become leads. An index-only scan of the part of llm_scores_by_criteria that belongs to the
-- campaign's present criteria and prompt; each verdict costs a probe of the keys of profile_features
-- and campaign_candidates ("offset 0" keeps the planner from reading those tables whole).
with newest as (
    select distinct on (s.profile_id) s.qualified, s.score
    from llm_scores s
    cross join lateral (
        select from profile_features pf
        where pf.profile_id = s.profile_id
          and view_shown(pf.profile_id, pf.view_hash, s.model) = s.profile_hash
        offset 0
    ) f
    where s.outcome = 'verdict'
      and s.campaign_id = :campaign_id and s.criteria_hash = :criteria_hash
      and s.prompt_version = :prompt_version
      and exists (
        select from campaign_candidates c
        where c.profile_id = s.profile_id and c.campaign_id = :campaign_id
        offset 0
      )
    order by s.profile_id, s.id desc
)
select
    count(*) as judged,
    count(*) filter (where n.qualified and n.score >= :threshold::double precision) as qualified
from newest n;
