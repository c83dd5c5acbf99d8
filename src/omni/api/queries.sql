-- owns: api_keys
-- reads: discoveries, profile_features, campaign_candidates, llm_scores

-- name: insert_key
-- api_keys_key_hash_key keeps two keys from sharing a secret.
insert into api_keys (id, name, hint, key_hash, scopes, created_at, expires_at)
values (:id, :name, :hint, :key_hash, :scopes::text[], :now, :expires_at);

-- name: list_keys
-- The table holds a handful of rows; the limit is a bound, not a page.
select id, name, hint, scopes, created_at, last_used_at, expires_at, revoked_at
from api_keys
order by created_at, id
limit :limit;

-- name: find_key
-- api_keys_key_hash_key: one row.
select id, name, hint, scopes, created_at, last_used_at, expires_at, revoked_at, key_hash
from api_keys
where key_hash = :key_hash;

-- name: touch_key
-- api_keys_pkey. At most one write a minute, whatever the traffic.
update api_keys
set last_used_at = :now
where id = :id and (last_used_at is null or last_used_at < :now::timestamptz - interval '1 minute');

-- name: revoke_key
-- api_keys_pkey. The first revocation's moment stays.
update api_keys
set revoked_at = coalesce(revoked_at, :now)
where id = :id
returning id, name, hint, scopes, created_at, last_used_at, expires_at, revoked_at;

-- name: has_usable_key
-- No index: the table holds a handful of rows, and the first that is open ends the search.
select exists (
    select from api_keys where revoked_at is null and (expires_at is null or expires_at > :now)
);

-- name: freeze_snapshot
-- Every count of a funnel is taken at one moment.
set transaction isolation level repeatable read, read only;

-- name: count_discovered
-- discoveries_pkey begins with campaign_id: an index-only scan of the campaign's own part.
select count(*) from discoveries where campaign_id = :campaign_id;

-- name: ping
-- No table.
select 1;

-- name: all_profiles
-- Never run: the planner is asked how many profiles there are, from its statistics.
select 1 from profile_features pf;

-- name: fitting_profiles
-- Never run: the planner is asked how many profiles it expects to fit.
select 1 from profile_features pf where {{where}};

-- name: count_fitting
-- With {{sample}}: whole pages of profile_features, picked at random and the same ones again, of
-- each a few rows, and :most rows at the most; never the table. Those of one page came together and
-- are alike, so pages are counted, too. Without: a table that the planner has called small.
select count(*) as rows, count(distinct (pf.spot::text::point)[0]) as pages,
    count(*) filter (where ({{where}}) is true) as fits,
    count(*) filter (where ({{held}}) is true) as held,
    count(*) filter (where ({{where}}) is true and ({{held}}) is not true) as enters,
    count(*) filter (where ({{where}}) is not true and ({{held}}) is true) as leaves,
    {{parts}}
from (select *, ctid as spot from profile_features {{sample}} limit :most::bigint) pf;

-- name: list_matches
-- The first that fit, out of the rows of count_fitting.
select pf.profile_id, pf.platform, pf.username, pf.display_name, left(pf.bio, 200) as bio,
    pf.followers
from (select * from profile_features {{sample}} limit :most::bigint) pf
where ({{where}}) is true
limit :limit::bigint;

-- name: count_candidates_now
-- At most :most rows of the campaign's own part of campaign_candidates_open, each with a probe of
-- profile_features' key: who of the present candidates stays.
select count(*) as held, count(*) filter (where ({{where}}) is not true) as leaves
from (
    select cc.profile_id from campaign_candidates cc
    where cc.campaign_id = :campaign_id
    order by cc.candidate_score_cheap desc, cc.profile_id
    limit :most::bigint + 1
) c
left join profile_features pf on pf.profile_id = c.profile_id;

-- name: count_judged
-- Whom a judge would not be asked about again under these criteria, at most :most: who has a verdict
-- on their view as it is, and who was refused too often. An index-only scan of the campaign's own
-- parts of llm_scores_by_criteria and llm_scores_refused, and a probe of profile_features' key for
-- each. Whatever the model: which one the workers ask is not known here.
select count(distinct s.profile_id)
from (
    (
        select s.profile_id, s.profile_hash, s.model from llm_scores s
        where s.outcome = 'verdict' and s.campaign_id = :campaign_id
          and s.criteria_hash = :criteria_hash and s.prompt_version = :prompt_version
        limit :most::bigint
    )
    union
    (
        select r.profile_id, r.profile_hash, r.model from llm_scores r
        where r.outcome = 'refused' and r.campaign_id = :campaign_id
          and r.criteria_hash = :criteria_hash and r.prompt_version = :prompt_version
        group by r.profile_id, r.profile_hash, r.model
        having count(*) >= :most_refusals::int
        limit :most::bigint
    )
) s
join profile_features pf on pf.profile_id = s.profile_id
  and view_shown(pf.profile_id, pf.view_hash, s.model) = s.profile_hash
where ({{where}}) is true;

-- name: list_staying
-- Verdicts under a campaign's present criteria of people whom other criteria fit, too, at most :most:
-- the part of llm_scores_by_criteria that belongs to the present ones, in its order, and a probe of
-- profile_features' key for each.
select f.view, s.reasons
from llm_scores s
cross join lateral (
    select pf.view from profile_features pf
    where pf.profile_id = s.profile_id and ({{where}}) is true
      and view_shown(pf.profile_id, pf.view_hash, :model) = s.profile_hash
    offset 0
) f
where s.outcome = 'verdict' and s.campaign_id = :campaign_id
  and s.criteria_hash = :criteria_hash and s.prompt_version = :prompt_version
  and s.model = :model
order by s.profile_id
limit :most::bigint;

-- name: explain_profile
-- One row: profile_features by its key, and the pair by the primary key of campaign_candidates.
select
    pf.platform, pf.username, left(pf.display_name, 300) as display_name,
    left(pf.bio, 300) as bio, pf.language, pf.country, pf.followers, pf.follows, pf.posts,
    pf.posts_per_week, pf.engagement, pf.account_created_at, pf.last_post_at, pf.has_avatar,
    pf.is_bot, pf.accepts_messages, pf.hashtags[1:20] as hashtags, pf.keywords[1:20] as keywords,
    pf.domains[1:20] as domains, pf.signals, {{score}} as cheap_score,
    cc.candidate_score_cheap as stored_score, cc.profile_id is not null as is_candidate,
    {{parts}}
from profile_features pf
left join campaign_candidates cc
    on cc.profile_id = pf.profile_id and cc.campaign_id = :campaign_id
where pf.profile_id = :profile_id;
