-- owns: leads, lead_changes
-- reads: llm_scores, campaign_candidates, profile_features, profiles_raw

-- name: promote_page
-- One page of the positive verdicts under this key, in the order of llm_scores_positive; those that
-- still hold are written as leads. Each costs a probe of the keys of profile_features,
-- campaign_candidates, profiles_raw, leads and suppressions; "offset 0" keeps the planner from
-- joining a page with whole tables. Who is suppressed, or whose domain is, is no lead; a platform that
-- is suppressed only sends nothing. Where a judge that is preferred has judged the same view, its
-- verdict counts (llm_scores_cache). Only differences are written, and a lead that a person decided,
-- or that was written to, is left alone.
with page as materialized (
    select s.id, s.profile_id, s.profile_hash, s.score, s.confidence, s.reasons, s.carried_from
    from llm_scores s
    where s.campaign_id = :campaign_id and s.criteria_hash = :criteria_hash
      and s.model = :model and s.prompt_version = :prompt_version
      and s.qualified and s.id > :after
    order by s.id
    limit :batch
), standing as (
    select page.*, r.platform, r.platform_id, f.username, f.display_name
    from page
    cross join lateral (
        select pf.username, pf.display_name, pf.view_hash
        from profile_features pf
        where pf.profile_id = page.profile_id
          and view_shown(pf.profile_id, pf.view_hash, :model) = page.profile_hash
        offset 0
    ) f
    cross join lateral (
        select pr.platform, pr.platform_id
        from profiles_raw pr
        where pr.profile_id = page.profile_id
        offset 0
    ) r
    where page.score >= :threshold
      and not exists (
        select from llm_scores p
        where p.campaign_id = :campaign_id and p.profile_id = page.profile_id
          and p.profile_hash = view_shown(page.profile_id, f.view_hash, p.model)
          and p.criteria_hash = :criteria_hash
          and p.model = any(:before::text[]) and p.prompt_version = :prompt_version
          and p.outcome = 'verdict'
        offset 0
      )
      and exists (
        select from campaign_candidates c
        where c.profile_id = page.profile_id and c.campaign_id = :campaign_id
        offset 0
      )
      and not exists (
        select from leads l
        where l.campaign_id = :campaign_id and l.profile_id = page.profile_id
          and l.state <> 'withdrawn'
          and (l.state <> 'new' or l.score_id in (page.id, page.carried_from))
        offset 0
      )
      and not is_suppressed(r.platform, r.platform_id, f.username, false)
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
    returning new.id, old.state as old_state, old.score as old_score, new.score as new_score
), noted as (
    insert into lead_changes
        (lead_id, cause, old_state, new_state, old_score, new_score, changed_at)
    select w.id, 'verdict', w.old_state, 'new', w.old_score, w.new_score, :now::timestamptz
    from written w
)
select
    (select max(id) from page) as last_id,
    (select count(*) from written where old_state is null) as new,
    (select count(*) from written where old_state is not null) as updated;

-- name: withdraw_page
-- One page of the campaign's new leads, in the order of leads_ranked_by_state; withdrawn are those
-- whose person left the candidates, is suppressed, or has a verdict under this key, on the view as
-- it is now, that does not make a lead (llm_scores_cache). No verdict yet is no reason. "offset 0"
-- keeps the planner from reading the campaign's whole part of a table for one page.
with page as materialized (
    select l.id, l.profile_id, l.platform, l.platform_id, l.username, l.score
    from leads l
    where l.campaign_id = :campaign_id and l.state = 'new'
      and (l.score, l.id) < (:after_score::double precision, :after_id::bigint)
    order by l.score desc, l.id desc
    limit :batch
), gone as (
    select page.id
    from page
    where not exists (
        select from campaign_candidates c
        where c.profile_id = page.profile_id and c.campaign_id = :campaign_id
        offset 0
    )
    or is_suppressed(page.platform, page.platform_id, page.username, false)
    or exists (
        select from profile_features f
        join llm_scores s on s.profile_id = f.profile_id
          and s.profile_hash = view_shown(f.profile_id, f.view_hash, :model)
        where f.profile_id = page.profile_id
          and s.campaign_id = :campaign_id and s.criteria_hash = :criteria_hash
          and s.model = :model and s.prompt_version = :prompt_version
          and s.outcome = 'verdict'
          and (not s.qualified or s.score < :threshold)
          and not exists (
            select from llm_scores p
            where p.campaign_id = :campaign_id and p.profile_id = f.profile_id
              and p.profile_hash = view_shown(f.profile_id, f.view_hash, p.model)
              and p.criteria_hash = :criteria_hash
              and p.model = any(:before::text[]) and p.prompt_version = :prompt_version
              and p.outcome = 'verdict'
            offset 0
          )
        offset 0
    )
), written as (
    update leads set state = 'withdrawn', updated_at = :now
    where leads.id = any(array(select gone.id from gone)) and leads.state = 'new'
    returning leads.id, leads.score
), noted as (
    insert into lead_changes
        (lead_id, cause, old_state, new_state, old_score, new_score, changed_at)
    select w.id, 'withdrawal', 'new', 'withdrawn', w.score, w.score, :now::timestamptz
    from written w
)
select
    (select count(*) from page) as seen,
    (select min(score) from page) as last_score,
    (select id from page order by score, id limit 1) as last_id,
    (select count(*) from written) as withdrawn;

-- name: note_later_page
-- One page of the campaign's leads in the order of the unique key (campaign_id, profile_id): those
-- that a person decided, or that were written to, and whose person has a newer verdict under this
-- key on the view as it is now (llm_scores_cache). The lead stays as it is. "offset 0" keeps the
-- planner from joining a page with whole tables.
with page as materialized (
    select l.id, l.profile_id, l.score_id, l.later_score_id, l.state
    from leads l
    where l.campaign_id = :campaign_id and l.profile_id > :after::bigint
    order by l.profile_id
    limit :batch
), later as (
    select page.id, v.id as score_id, v.score, v.qualified
    from page
    cross join lateral (
        select s.id, s.score, s.qualified, s.carried_from
        from profile_features f
        join llm_scores s on s.profile_id = f.profile_id
          and s.profile_hash = view_shown(f.profile_id, f.view_hash, :model)
        where f.profile_id = page.profile_id
          and s.campaign_id = :campaign_id and s.criteria_hash = :criteria_hash
          and s.model = :model and s.prompt_version = :prompt_version
          and s.outcome = 'verdict'
        offset 0
    ) v
    where page.state in ('accepted', 'rejected', 'contacted', 'replied')
      and v.id > greatest(page.score_id, coalesce(page.later_score_id, 0))
      -- A verdict that outlived an edit is no news to a lead that came from it.
      and (
        v.carried_from is null
        or v.carried_from not in (page.score_id, coalesce(page.later_score_id, 0))
      )
), written as (
    update leads l
    set later_score_id = n.score_id, later_score = n.score, later_qualified = n.qualified,
        updated_at = :now::timestamptz
    from later n
    where l.id = n.id and l.state in ('accepted', 'rejected', 'contacted', 'replied')
    returning l.id, l.state, l.score, l.later_score
), noted as (
    insert into lead_changes
        (lead_id, cause, old_state, new_state, old_score, new_score, changed_at)
    select w.id, 'later', w.state, w.state, w.score, w.later_score, :now::timestamptz
    from written w
)
select
    (select max(page.profile_id) from page) as last_profile,
    (select count(*) from written) as noted;

-- name: list_changes
-- By lead_changes_by_lead, the newest first.
select c.cause, c.old_state, c.new_state, c.old_score, c.new_score, c.changed_at
from lead_changes c
where c.lead_id = :lead_id
order by c.id desc
limit :limit;

-- name: page_leads
-- A page in the order of leads_ranked, or of leads_ranked_by_state where one state is asked for: one
-- row with each lead as the JSON that goes to the caller, one more than asked for where there is
-- one, and the place in the order where the page ends. (to_json of a row takes Postgres two thirds
-- of the time of json_build_object.)
select
    array_agg(to_json(p)::text order by p.score desc, p.id desc) as items,
    (array_agg(p.score order by p.score desc, p.id desc))[:place::int] as last_score,
    (array_agg(p.id order by p.score desc, p.id desc))[:place::int] as last_id
from (
    select
        l.id, l.campaign_id, l.profile_id, l.platform, l.platform_id,
        substring((:profile_urls::jsonb ->> l.platform) || l.platform_id from '^https?://.*')
            as profile_url,
        l.username, l.display_name, l.score, l.confidence, l.reasons, l.state,
        l.decided_at, l.created_at, l.updated_at, l.later_score, l.later_qualified
    from leads l
    where l.campaign_id = :campaign_id {{in_state}}
      and (l.score, l.id) < (:after_score::double precision, :after_id::bigint)
    order by l.score desc, l.id desc
    limit :place::int + 1
) p;

-- name: get_lead
-- By primary key.
select
    id, campaign_id, profile_id, platform, platform_id, username, display_name, score_id, score,
    confidence, reasons, state, decided_at, created_at, updated_at,
    later_score, later_qualified
from leads
where id = :lead_id;

-- name: lock_lead
-- By primary key; held until the transaction ends, so that two decisions come one after the other.
select
    id, campaign_id, profile_id, platform, platform_id, username, display_name, score_id, score,
    confidence, reasons, state, decided_at, created_at, updated_at,
    later_score, later_qualified
from leads
where id = :lead_id
for no key update;

-- name: record_decision
-- By primary key.
with changed as (
    update leads
    set state = :state, decided_at = :now, updated_at = :now,
        later_score_id = null, later_score = null, later_qualified = null
    where id = :lead_id
    returning new.*, old.state as old_state
), noted as (
    insert into lead_changes
        (lead_id, cause, old_state, new_state, old_score, new_score, changed_at)
    select c.id, 'decision', c.old_state, c.state, c.score, c.score, :now::timestamptz
    from changed c
)
select
    id, campaign_id, profile_id, platform, platform_id, username, display_name, score_id, score,
    confidence, reasons, state, decided_at, created_at, updated_at,
    later_score, later_qualified
from changed;

-- name: mark_contacted
-- By primary key. What a person rejected stays rejected, and a reply counts more.
with changed as (
    update leads
    set state = 'contacted', updated_at = :now
    where id = any(:lead_ids::bigint[]) and state in ('new', 'accepted', 'withdrawn')
    returning new.id, old.state as old_state, new.state as new_state, new.score
)
insert into lead_changes (lead_id, cause, old_state, new_state, old_score, new_score, changed_at)
select c.id, 'message', c.old_state, c.new_state, c.score, c.score, :now::timestamptz
from changed c;

-- name: mark_replied
-- By primary key. What a person rejected stays rejected.
with changed as (
    update leads
    set state = 'replied', updated_at = :now
    where id = any(:lead_ids::bigint[]) and state in ('new', 'accepted', 'withdrawn', 'contacted')
    returning new.id, old.state as old_state, new.state as new_state, new.score
)
insert into lead_changes (lead_id, cause, old_state, new_state, old_score, new_score, changed_at)
select c.id, 'reply', c.old_state, c.new_state, c.score, c.score, :now::timestamptz
from changed c;

-- name: count_by_state
-- An index-only scan of the campaign's own part of leads_ranked_by_state.
select l.state, count(*) as count
from leads l
where l.campaign_id = :campaign_id
group by l.state;

-- name: find_live
-- By leads_by_profile: who of a few people is a lead that may still come to something, or has.
select distinct l.profile_id
from leads l
where l.profile_id = any(:profile_ids::bigint[])
  and l.state in ('new', 'accepted', 'contacted', 'replied');

-- name: page_moved
-- The campaign's part of the unique key (campaign_id, profile_id), in its order: whose lead has
-- changed since a moment.
select l.profile_id
from leads l
where l.campaign_id = :campaign_id and l.profile_id > :after::bigint
  and l.updated_at >= :since::timestamptz
order by l.profile_id
limit :limit::int;
