-- owns: campaign_candidates, candidate_refreshes
-- reads: profile_features, campaigns, campaign_weights
--
-- Every writer below begins with lock_lanes in the same transaction. Why that is enough is told in
-- work.py.

-- name: lock_lanes
-- No table. One transaction at a time writes the pairs of the profiles of a lane; the lanes come in
-- ascending order, and are let go at its end.
select pg_advisory_xact_lock(hashtext('omni.candidates'), lane)
from unnest(:lanes::int[]) as n (lane);

-- name: read_profiles
-- By the key of profile_features, only what the campaigns read. xmin is another one after each
-- change of the row.
select
    pf.profile_id, pf.username, pf.signals, pf.xmin::text::bigint as row_version, now() as now
    {{columns}}
from profile_features pf
where pf.profile_id = any(:ids::bigint[]);

-- name: confirm_matches
-- By the key of profile_features: whom of a few profiles a campaign's criteria really mean.
select pf.profile_id
from profile_features pf
where pf.profile_id = any(:ids::bigint[]) and ({{where}});

-- name: find_overtaken
-- By the key of profile_features: whose features are no longer those that were read (null: were not
-- there).
with present as materialized (
    select pf.profile_id, pf.xmin::text::bigint as row_version
    from profile_features pf
    where pf.profile_id = any(:ids::bigint[])
)
select n.profile_id
from unnest(:ids::bigint[], :row_versions::bigint[]) as n (profile_id, row_version)
left join present p using (profile_id)
where p.row_version is distinct from n.row_version;

-- name: read_pairs
-- By the primary key (profile_id, campaign_id): the pairs that a few profiles are held in.
select cc.profile_id, cc.campaign_id, cc.username, cc.candidate_score_cheap as score
from campaign_candidates cc
where cc.profile_id = any(:ids::bigint[]);

-- name: write_differences
-- By the primary key. Only differences come here, and those of a campaign that has moved on from
-- these criteria or weights are left out. Pairs of profiles that are gone go in any case.
with fresh as materialized (
    select n.campaign_id
    from unnest(:campaign_ids::bigint[], :criteria_hashes::text[], :weights_versions::int[])
        as n (campaign_id, criteria_hash, weights_version)
    join campaigns c on c.id = n.campaign_id and c.criteria_hash = n.criteria_hash
    where n.weights_version = coalesce(
        (select max(v.version) from campaign_weights v where v.campaign_id = c.id), 0
    )
), added as (
    insert into campaign_candidates as cc
        (profile_id, campaign_id, username, candidate_score_cheap, updated_at)
    select n.profile_id, n.campaign_id, n.username, n.score, :now::timestamptz
    from unnest(:new_profiles::bigint[], :new_campaigns::bigint[], :new_usernames::text[],
        :new_scores::double precision[]) as n (profile_id, campaign_id, username, score)
    where n.campaign_id in (select f.campaign_id from fresh f)
    returning cc.campaign_id
), changed as (
    update campaign_candidates cc
    set username = n.username, candidate_score_cheap = n.score, updated_at = :now::timestamptz
    from unnest(:profiles::bigint[], :their_campaigns::bigint[], :usernames::text[],
        :scores::double precision[]) as n (profile_id, campaign_id, username, score)
    where cc.profile_id = n.profile_id and cc.campaign_id = n.campaign_id
      and n.campaign_id in (select f.campaign_id from fresh f)
    returning cc.campaign_id
), removed as (
    delete from campaign_candidates cc
    using unnest(:out_profiles::bigint[], :out_campaigns::bigint[], :out_gone::boolean[])
        as n (profile_id, campaign_id, gone)
    where cc.profile_id = n.profile_id and cc.campaign_id = n.campaign_id
      and (n.gone or n.campaign_id in (select f.campaign_id from fresh f))
    returning cc.campaign_id
)
select
    (select count(*) from fresh) as fresh,
    (select count(*) from added) as entered,
    (select count(*) from changed) as rescored,
    (select count(*) from removed) as gone;

-- name: refresh_pairs
-- One campaign, for a range of profile_ids in the order of both primary keys. This is the one step
-- whose work is the whole of profile_features; it reads it once, a range at a time. Only differences
-- are written, and nothing if the campaign has moved on from these criteria or weights. A profile
-- that is gone is not wanted, so its pair goes. {{campaign}} is cc.campaign_id, and for a campaign of
-- many an expression that no index has: one that has just grown is small to the statistics, and its
-- whole part of campaign_candidates_open would be walked once for each range.
with fresh as materialized (
    select c.id
    from campaigns c
    where c.id = :campaign_id and c.criteria_hash = :criteria_hash
      and :weights_version = coalesce(
        (select max(v.version) from campaign_weights v where v.campaign_id = c.id), 0
      )
), wanted as materialized (
    select pf.profile_id, pf.username, {{score}} as score
    from profile_features pf
    where pf.profile_id > :after and pf.profile_id <= :upto and ({{where}})
), held as materialized (
    select cc.profile_id, cc.username, cc.candidate_score_cheap as score
    from campaign_candidates cc
    where cc.profile_id > :after and cc.profile_id <= :upto
      and {{campaign}} = :campaign_id
), written as (
    insert into campaign_candidates as cc
        (profile_id, campaign_id, username, candidate_score_cheap, updated_at)
    select w.profile_id, f.id, w.username, w.score, :now::timestamptz
    from fresh f
    cross join wanted w
    left join held h on h.profile_id = w.profile_id
    where h.profile_id is null or (h.username, h.score) is distinct from (w.username, w.score)
    order by w.profile_id
    on conflict (profile_id, campaign_id) do update set
        username = excluded.username,
        candidate_score_cheap = excluded.candidate_score_cheap,
        updated_at = excluded.updated_at
    returning cc.profile_id
), removed as (
    delete from campaign_candidates cc
    using fresh f
    where {{campaign}} = f.id
      and cc.profile_id = any(array(
        select h.profile_id from held h
        where not exists (select from wanted w where w.profile_id = h.profile_id)
      ))
    returning cc.profile_id
)
select
    (select count(*) from fresh) as fresh,
    (select count(*) from held) as held,
    (select count(*) from removed) as gone,
    (select count(*) from written) as written,
    (select count(*) from written join held using (profile_id)) as rescored;

-- name: find_place
-- By the primary key of candidate_refreshes: how far this very job got with these criteria and weights.
select r.upto
from candidate_refreshes r
where r.campaign_id = :campaign_id and r.job_id = :job_id
  and r.criteria_hash = :criteria_hash and r.weights_version = :weights_version;

-- name: note_place
-- By the primary key of candidate_refreshes, in the transaction that has written the range.
insert into candidate_refreshes as r
    (campaign_id, job_id, criteria_hash, weights_version, upto, updated_at)
values (:campaign_id, :job_id, :criteria_hash, :weights_version, :upto, :now::timestamptz)
on conflict (campaign_id) do update set
    job_id = excluded.job_id,
    criteria_hash = excluded.criteria_hash,
    weights_version = excluded.weights_version,
    upto = excluded.upto,
    updated_at = excluded.updated_at;

-- name: forget_place
-- By the primary key of candidate_refreshes; the place of a later job stays.
delete from candidate_refreshes r where r.campaign_id = :campaign_id and r.job_id = :job_id;

-- name: end_of_range
-- The last of the next profiles, in the order of the primary key; null if fewer are left.
select pf.profile_id
from profile_features pf
where pf.profile_id > :after
order by pf.profile_id
limit 1 offset :size - 1;

-- name: last_profile
-- The greatest id, from the end of the primary key.
select max(pf.profile_id) from profile_features pf;

-- name: count_candidates
-- An index-only scan of the campaign's own part of campaign_candidates_open.
select count(*) from campaign_candidates cc where cc.campaign_id = :campaign_id;

-- name: read_words
-- No table: only Postgres knows how it parts a text into words.
select q.query, websearch_to_tsquery('simple', q.query)::text as words
from unnest(:queries::text[]) as q (query);

-- name: find_held
-- By the primary key (profile_id, campaign_id) and the key of campaigns: who of a few people is a
-- candidate of a campaign that runs.
select distinct cc.profile_id
from campaign_candidates cc
join campaigns c on c.id = cc.campaign_id and c.status = 'active'
where cc.profile_id = any(:ids::bigint[]);

-- name: page_held
-- A page of those of one campaign's candidates that have one mark, in the order of
-- campaign_candidates_open.
select cc.profile_id, cc.candidate_score_cheap as score
from campaign_candidates cc
where cc.campaign_id = :campaign_id and cc.judged_epoch = :judged_epoch::bigint
  and cc.candidate_score_cheap <= :after_score::double precision
  and (cc.candidate_score_cheap < :after_score or cc.profile_id > :after_id::bigint)
order by cc.candidate_score_cheap desc, cc.profile_id
limit :limit::int;

-- name: next_mark
-- The next mark that a campaign's candidates have: one step of campaign_candidates_open.
select cc.judged_epoch
from campaign_candidates cc
where cc.campaign_id = :campaign_id and cc.judged_epoch > :after::bigint
order by cc.judged_epoch
limit 1;

-- name: mark_judged
-- By the primary keys of campaign_candidates and profile_features: only who still has the view that is
-- settled.
update campaign_candidates cc
set judged_epoch = :epoch::bigint
from unnest(:ids::bigint[], :view_hashes::text[]) as n (profile_id, view_hash)
where cc.profile_id = n.profile_id and cc.campaign_id = :campaign_id
  and cc.judged_epoch <> :epoch
  and exists (
    select from profile_features pf
    where pf.profile_id = n.profile_id
      and view_shown(pf.profile_id, pf.view_hash, :model) = n.view_hash
  );

-- name: reopen_pairs
-- By the primary key: what is shown to judges of these people has changed.
update campaign_candidates cc
set judged_epoch = 0
where cc.profile_id = any(:ids::bigint[]) and cc.judged_epoch <> 0;
