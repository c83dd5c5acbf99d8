-- owns: leads, suppressions
-- reads: llm_scores, campaign_candidates, profile_features, profiles_raw

-- name: promote_page
-- One page of the positive verdicts under this key, in the order of llm_scores_positive; those that
-- still hold are written as leads. Each costs a probe of the keys of profile_features,
-- campaign_candidates, profiles_raw, leads and suppressions. Only differences are written, and a
-- lead that a person decided, or that was written to, is left alone.
with page as materialized (
    select s.id, s.profile_id, s.profile_hash, s.score, s.confidence, s.reasons
    from llm_scores s
    where s.campaign_id = :campaign_id and s.criteria_hash = :criteria_hash
      and s.model = :model and s.prompt_version = :prompt_version
      and s.qualified and s.id > :after
    order by s.id
    limit :batch
), standing as (
    select page.*, r.platform, r.platform_id, f.username, f.display_name
    from page
    join profile_features f on f.profile_id = page.profile_id and f.view_hash = page.profile_hash
    join campaign_candidates c
      on c.profile_id = page.profile_id and c.campaign_id = :campaign_id
    join profiles_raw r on r.profile_id = page.profile_id
    left join leads l on l.campaign_id = :campaign_id and l.profile_id = page.profile_id
    where page.score >= :threshold
      and (l.id is null or l.state = 'withdrawn' or (l.state = 'new' and l.score_id <> page.id))
      and not exists (
        select from suppressions u
        where u.platform = r.platform and u.platform_id = r.platform_id
      )
), written as (
    insert into leads (
        campaign_id, profile_id, platform, platform_id, username, display_name,
        score_id, score, confidence, reasons, created_at, updated_at
    )
    select
        :campaign_id::bigint, profile_id, platform, platform_id, username, display_name,
        id, score, confidence, reasons, :now::timestamptz, :now::timestamptz
    from standing
    order by profile_id
    on conflict (campaign_id, profile_id) do update set
        platform_id = excluded.platform_id,
        username = excluded.username,
        display_name = excluded.display_name,
        score_id = excluded.score_id,
        score = excluded.score,
        confidence = excluded.confidence,
        reasons = excluded.reasons,
        state = 'new',
        updated_at = excluded.updated_at
    where leads.state in ('new', 'withdrawn')
    returning (xmax = 0) as is_new
)
select
    (select max(id) from page) as last_id,
    (select count(*) from written where is_new) as new,
    (select count(*) from written where not is_new) as updated;

-- name: withdraw_page
-- One page of the campaign's new leads, in the order of leads_ranked_by_state; withdrawn are those
-- whose person left the candidates, is suppressed, or has a verdict under this key, on the view as
-- it is now, that does not make a lead (llm_scores_cache). No verdict yet is no reason.
with page as materialized (
    select l.id, l.profile_id, l.platform, l.platform_id, l.score
    from leads l
    where l.campaign_id = :campaign_id and l.state = 'new'
      and (l.score, l.id) < (:after_score::double precision, :after_id::bigint)
    order by l.score desc, l.id desc
    limit :batch
), gone as (
    update leads set state = 'withdrawn', updated_at = :now
    from page
    where leads.id = page.id and leads.state = 'new'
      and (
        not exists (
            select from campaign_candidates c
            where c.profile_id = page.profile_id and c.campaign_id = :campaign_id
        )
        or exists (
            select from suppressions u
            where u.platform = page.platform and u.platform_id = page.platform_id
        )
        or exists (
            select from profile_features f
            join llm_scores s on s.profile_id = f.profile_id and s.profile_hash = f.view_hash
            where f.profile_id = page.profile_id
              and s.campaign_id = :campaign_id and s.criteria_hash = :criteria_hash
              and s.model = :model and s.prompt_version = :prompt_version
              and s.outcome = 'verdict'
              and (not s.qualified or s.score < :threshold)
        )
      )
    returning leads.id
)
select
    (select count(*) from page) as seen,
    (select min(score) from page) as last_score,
    (select id from page order by score, id limit 1) as last_id,
    (select count(*) from gone) as withdrawn;

-- name: page_leads
-- A page in the order of leads_ranked, or of leads_ranked_by_state where one state is asked for:
-- each lead as the JSON that goes to the caller, beside its place in the order.
select p.score, p.id, json_build_object(
    'id', p.id, 'campaign_id', p.campaign_id, 'profile_id', p.profile_id,
    'platform', p.platform, 'platform_id', p.platform_id,
    'profile_url', (:profile_urls::jsonb ->> p.platform) || p.platform_id,
    'username', p.username, 'display_name', p.display_name,
    'score', p.score, 'confidence', p.confidence, 'reasons', p.reasons, 'state', p.state,
    'decided_at', p.decided_at, 'created_at', p.created_at, 'updated_at', p.updated_at
)::text as body
from (
    select l.* from leads l
    where l.campaign_id = :campaign_id {{in_state}}
      and (l.score, l.id) < (:after_score::double precision, :after_id::bigint)
    order by l.score desc, l.id desc
    limit :limit
) p
order by p.score desc, p.id desc;

-- name: get_lead
-- By primary key.
select
    id, campaign_id, profile_id, platform, platform_id, username, display_name, score_id, score,
    confidence, reasons, state, decided_at, created_at, updated_at
from leads
where id = :lead_id;

-- name: lock_lead
-- By primary key; held until the transaction ends, so that two decisions come one after the other.
select
    id, campaign_id, profile_id, platform, platform_id, username, display_name, score_id, score,
    confidence, reasons, state, decided_at, created_at, updated_at
from leads
where id = :lead_id
for no key update;

-- name: record_decision
-- By primary key.
update leads
set state = :state, decided_at = :now, updated_at = :now
where id = :lead_id
returning
    id, campaign_id, profile_id, platform, platform_id, username, display_name, score_id, score,
    confidence, reasons, state, decided_at, created_at, updated_at;

-- name: mark_contacted
-- By primary key. What a person rejected stays rejected, and a reply counts more.
update leads
set state = 'contacted', updated_at = :now
where id = any(:lead_ids::bigint[]) and state in ('new', 'accepted', 'withdrawn');

-- name: mark_replied
-- By primary key. What a person rejected stays rejected.
update leads
set state = 'replied', updated_at = :now
where id = any(:lead_ids::bigint[]) and state in ('new', 'accepted', 'withdrawn', 'contacted');

-- name: count_by_state
-- An index-only scan of the campaign's own part of leads_ranked_by_state.
select l.state, count(*) as count
from leads l
where l.campaign_id = :campaign_id
group by l.state;

-- name: insert_suppression
-- The unique key (platform, platform_id) makes a second one a no-op.
insert into suppressions (platform, platform_id, reason, source, created_at)
values (:platform, :platform_id, :reason, :source, :now)
on conflict (platform, platform_id) do nothing;

-- name: find_suppression
-- By the unique key (platform, platform_id).
select exists (
    select from suppressions where platform = :platform and platform_id = :platform_id
);

-- name: list_suppressions
-- By primary key, the newest first.
select id, platform, platform_id, reason, source, created_at
from suppressions
where id < :before_id::bigint
order by id desc
limit :limit;
