-- owns: campaign_candidates
-- reads: profile_features, campaigns, campaign_weights
--
-- Both writers below begin with lock_writer in the same transaction. Why that is enough is told in
-- work.py.

-- name: lock_writer
-- No table. One transaction at a time writes the pairs of a campaign; it is let go at its end.
select pg_advisory_xact_lock(hashtextextended('omni.candidates', :campaign_id::bigint));

-- name: maintain_pairs
-- For a few profiles: profile_features by its key; the pairs that are held, and those that go, by
-- the primary key (profile_id, campaign_id). A profile that is gone is not wanted, so its pair goes.
-- Only differences are written, and nothing if the campaign has moved on from these criteria or
-- weights.
with fresh as materialized (
    select c.id
    from campaigns c
    where c.id = :campaign_id and c.criteria_hash = :criteria_hash
      and coalesce(
        (
            select v.weights from campaign_weights v
            where v.campaign_id = c.id
            order by v.version desc
            limit 1
        ),
        :default_weights::double precision[]
      ) = :weights::double precision[]
), wanted as materialized (
    select pf.profile_id, pf.username, {{score}} as score
    from profile_features pf
    where pf.profile_id = any(:ids::bigint[]) and ({{where}})
), held as materialized (
    select cc.profile_id, cc.username, cc.candidate_score_cheap as score
    from campaign_candidates cc
    where cc.profile_id = any(:ids::bigint[]) and cc.campaign_id = :campaign_id
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
    where cc.campaign_id = f.id
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

-- name: refresh_pairs
-- The same for a range of profile_ids, in the order of both primary keys. This is the one step
-- whose work is the whole of profile_features; it reads it once, a range at a time.
with fresh as materialized (
    select c.id
    from campaigns c
    where c.id = :campaign_id and c.criteria_hash = :criteria_hash
      and coalesce(
        (
            select v.weights from campaign_weights v
            where v.campaign_id = c.id
            order by v.version desc
            limit 1
        ),
        :default_weights::double precision[]
      ) = :weights::double precision[]
), wanted as materialized (
    select pf.profile_id, pf.username, {{score}} as score
    from profile_features pf
    where pf.profile_id > :after and pf.profile_id <= :upto and ({{where}})
), held as materialized (
    select cc.profile_id, cc.username, cc.candidate_score_cheap as score
    from campaign_candidates cc
    where cc.profile_id > :after and cc.profile_id <= :upto and cc.campaign_id = :campaign_id
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
    where cc.campaign_id = f.id
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
-- An index-only scan of the campaign's own part of campaign_candidates_ranked.
select count(*) from campaign_candidates cc where cc.campaign_id = :campaign_id;

-- name: read_words
-- No table: only Postgres knows how it parts a text into words.
select q.query, websearch_to_tsquery('simple', q.query)::text as words
from unnest(:queries::text[]) as q (query);
