-- owns: campaigns, campaign_weights
-- reads:

-- name: insert_campaign
-- By primary key; a new campaign has no weights of its own yet.
insert into campaigns (
    name, brief, criteria, criteria_hash, threshold, shortlist_size, message_template,
    daily_call_limit, daily_cost_limit_micros, writer, follow_ups, judge_share,
    created_at, updated_at
) values (
    :name, :brief, :criteria::jsonb, :criteria_hash, :threshold, :shortlist_size,
    :message_template, :daily_call_limit, :daily_cost_limit_micros, :writer,
    :follow_ups::jsonb, :judge_share, :now, :now
)
returning *, null::double precision[] as weights, 0 as weights_version;

-- name: get_campaign
-- By primary key, with the last version of its weights by theirs.
select c.*, w.weights, coalesce(w.version, 0) as weights_version
from campaigns c
left join lateral (
    select weights, version from campaign_weights
    where campaign_id = c.id
    order by version desc
    limit 1
) w on true
where c.id = :campaign_id;

-- name: lock_campaign
-- By primary key; held until the transaction ends. Rows that refer to the campaign can still come.
select id from campaigns where id = :campaign_id for no key update;

-- name: list_campaigns
-- A page in the order of the primary key, which is the order of creation.
select c.*, w.weights, coalesce(w.version, 0) as weights_version
from campaigns c
left join lateral (
    select weights, version from campaign_weights
    where campaign_id = c.id
    order by version desc
    limit 1
) w on true
where c.id > :after_id
order by c.id
limit :limit;

-- name: list_active
-- In the order of campaigns_active, which holds nothing else.
select c.*, w.weights, coalesce(w.version, 0) as weights_version
from campaigns c
left join lateral (
    select weights, version from campaign_weights
    where campaign_id = c.id
    order by version desc
    limit 1
) w on true
where c.status = 'active' and c.id > :after_id
order by c.id
limit :limit;

-- name: list_versions
-- As list_active, but only what tells whether criteria or weights have changed. The versions by the
-- primary key of campaign_weights.
select c.id, c.criteria_hash, coalesce(
    (select max(v.version) from campaign_weights v where v.campaign_id = c.id), 0
) as weights_version
from campaigns c
where c.status = 'active' and c.id > :after_id
order by c.id
limit :limit;

-- name: update_campaign
-- By primary key; a parameter that is null leaves its column as it is. A limit may be set to null.
with changed as (
    update campaigns set
        name = coalesce(:name::text, name),
        brief = coalesce(:brief::text, brief),
        criteria = coalesce(:criteria::jsonb, criteria),
        criteria_hash = coalesce(:criteria_hash::text, criteria_hash),
        status = coalesce(:status::text, status),
        threshold = coalesce(:threshold::double precision, threshold),
        shortlist_size = coalesce(:shortlist_size::int, shortlist_size),
        message_template = coalesce(:message_template::text, message_template),
        daily_call_limit = case
            when :sets_call_limit::boolean then :daily_call_limit::bigint
            else daily_call_limit end,
        daily_cost_limit_micros = case
            when :sets_cost_limit::boolean then :daily_cost_limit_micros::bigint
            else daily_cost_limit_micros end,
        writer = coalesce(:writer::text, writer),
        follow_ups = coalesce(:follow_ups::jsonb, follow_ups),
        judge_share = coalesce(:judge_share::double precision, judge_share),
        updated_at = :now
    where id = :campaign_id
    returning *
)
select c.*, w.weights, coalesce(w.version, 0) as weights_version
from changed c
left join lateral (
    select weights, version from campaign_weights
    where campaign_id = c.id
    order by version desc
    limit 1
) w on true;

-- name: set_autopilot
-- By primary key. Null takes it off; a reason is given where no person did so.
with changed as (
    update campaigns set
        autopilot_cap = :autopilot_cap::int,
        autopilot_since = case when :autopilot_cap::int is not null then :now::timestamptz end,
        autopilot_off_because = :because::text,
        autopilot_off_at = case when :because::text is not null then :now::timestamptz end,
        updated_at = :now
    where id = :campaign_id
    returning *
)
select c.*, w.weights, coalesce(w.version, 0) as weights_version
from changed c
left join lateral (
    select weights, version from campaign_weights
    where campaign_id = c.id
    order by version desc
    limit 1
) w on true;

-- name: insert_weights
-- The next version by the primary key's order. The campaign is locked, so that of two learners the
-- second sees the version of the first.
insert into campaign_weights (campaign_id, version, weights, trained_on, metrics, created_at)
select
    :campaign_id::bigint, coalesce(max(version), 0) + 1, :weights::double precision[],
    :trained_on::int, :metrics::jsonb, :now::timestamptz
from campaign_weights
where campaign_id = :campaign_id
returning version;
