-- owns: llm_epochs, llm_flights, llm_choices
-- reads: campaign_candidates, profile_features, llm_scores

-- name: find_epoch
-- By the unique key of llm_epochs.
select e.epoch from llm_epochs e
where e.campaign_id = :campaign_id and e.criteria_hash = :criteria_hash
  and e.model = :model and e.prompt_version = :prompt_version;

-- name: add_epoch
-- By the unique key of llm_epochs; whoever comes second changes nothing.
insert into llm_epochs (campaign_id, criteria_hash, model, prompt_version, criteria, created_at)
values (
    :campaign_id, :criteria_hash, :model, :prompt_version, :criteria::jsonb, :now::timestamptz
)
on conflict do nothing;

-- name: list_sources
-- By the unique key of llm_epochs, which begins with the campaign: other criteria that it has had under
-- the same judge, prompt and brief, the newest first.
select e.criteria_hash, e.criteria from llm_epochs e
where e.campaign_id = :campaign_id and e.criteria_hash <> :criteria_hash
  and e.model = :model and e.prompt_version = :prompt_version
order by e.epoch desc
limit :limit;

-- name: is_carried
-- By the primary key of llm_epochs.
select e.carried_at is not null from llm_epochs e where e.epoch = :epoch::bigint;

-- name: note_carried
-- By the primary key of llm_epochs.
update llm_epochs set carried_at = :now::timestamptz
where epoch = :epoch::bigint and carried_at is null;

-- name: list_groups
-- The other epochs that candidates of the campaign are marked with: one step of
-- campaign_candidates_open for each, however many candidates there are.
with recursive groups as (
    (
        select c.judged_epoch from campaign_candidates c
        where c.campaign_id = :campaign_id
        order by c.judged_epoch limit 1
    )
    union all
    select (
        select c.judged_epoch from campaign_candidates c
        where c.campaign_id = :campaign_id and c.judged_epoch > g.judged_epoch
        order by c.judged_epoch limit 1
    )
    from groups g
    where g.judged_epoch is not null
)
select g.judged_epoch from groups g
where g.judged_epoch is not null and g.judged_epoch <> :epoch::bigint;

-- name: page_unmarked
-- A page of the candidates that are marked with another epoch, in the order of
-- campaign_candidates_open, and whether they are settled under this key all the same: by a verdict,
-- or by as many refused answers as are paid for. Each one costs a probe of the key of
-- profile_features, of llm_scores_cache and of llm_scores_refused, and, for a judge that sees, of the key
-- of images (view_shown); "offset 0" keeps the planner from turning the probes into a join over whole
-- tables.
select
    c.profile_id, c.candidate_score_cheap as cheap_score, f.last_post_at, f.view_hash,
    exists (
        select from llm_scores s
        where s.outcome = 'verdict'
          and s.campaign_id = c.campaign_id and s.profile_id = c.profile_id
          and s.profile_hash = f.view_hash and s.criteria_hash = :criteria_hash
          and s.model = :model and s.prompt_version = :prompt_version
        offset 0
    ) or exists (
        select from llm_scores r
        where r.outcome = 'refused'
          and r.campaign_id = c.campaign_id and r.profile_id = c.profile_id
          and r.profile_hash = f.view_hash and r.criteria_hash = :criteria_hash
          and r.model = :model and r.prompt_version = :prompt_version
        offset :most_refusals::int - 1
    ) as settled
from campaign_candidates c
cross join lateral (
    select view_shown(pf.profile_id, pf.view_hash, :model) as view_hash, pf.last_post_at
    from profile_features pf
    where pf.profile_id = c.profile_id
    offset 0
) f
where c.campaign_id = :campaign_id and c.judged_epoch = :marked::bigint
  and c.candidate_score_cheap <= :after_score::double precision
  and (c.candidate_score_cheap < :after_score or c.profile_id > :after_id::bigint)
order by c.candidate_score_cheap desc, c.profile_id
limit :limit;

-- name: take_flights
-- By the key of llm_flights: who is in nobody's hand, or in that of a worker that is silent for too
-- long, or in that of an earlier run of the same job. Whoever asks looks after this whether there is
-- still something to judge, in a statement of its own: a verdict and the end of its flight are one
-- commit.
insert into llm_flights as l (
    campaign_id, profile_id, profile_hash, criteria_hash, model, prompt_version, holder, until
)
select
    :campaign_id::bigint, f.profile_id, view_shown(f.profile_id, f.view_hash, :model::text),
    :criteria_hash::text, :model::text, :prompt_version::text, :holder::uuid,
    :until::timestamptz
from profile_features f
where f.profile_id = any(:profile_ids::bigint[])
order by f.profile_id
on conflict (campaign_id, profile_id, profile_hash, criteria_hash, model, prompt_version)
    do update set holder = excluded.holder, until = excluded.until
    where l.until < :now::timestamptz or l.holder = excluded.holder
returning profile_id, profile_hash as view_hash;

-- name: end_flights
-- By the key of llm_flights.
delete from llm_flights l
using unnest(:profile_ids::bigint[], :profile_hashes::text[]) as n (profile_id, profile_hash)
where l.campaign_id = :campaign_id and l.profile_id = n.profile_id
  and l.profile_hash = n.profile_hash and l.criteria_hash = :criteria_hash
  and l.model = :model and l.prompt_version = :prompt_version and l.holder = :holder::uuid;

-- name: forget_flights
-- By llm_flights_until: those of workers that died long ago.
delete from llm_flights l where l.until < :before::timestamptz;

-- name: note_choices
-- By the key of llm_choices: a job that runs again keeps what it chose first.
insert into llm_choices (
    job_id, campaign_id, profile_id, cheap_score, explored, propensity, created_at
)
select
    :job_id::uuid, :campaign_id::bigint, f.profile_id, n.cheap_score, n.explored, n.propensity,
    :now::timestamptz
from unnest(
    :profile_ids::bigint[], :scores::double precision[], :explored::boolean[],
    :propensities::double precision[]
) as n (profile_id, cheap_score, explored, propensity)
join profile_features f on f.profile_id = n.profile_id
on conflict (job_id, profile_id) do nothing;

-- name: has_seen
-- Reads llm_epochs, which has a row for each edit of a campaign's criteria, until it finds one: has any
-- judge ever been shown pictures?
select exists (select from llm_epochs e where e.model like '%+images_');
