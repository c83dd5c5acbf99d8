-- owns: judge_comparisons, judge_disagreements
-- reads: campaign_candidates, profile_features, profiles_raw

-- name: list_sample
-- The same people for the same seed. Reads and sorts the campaign's candidates once, by their hash:
-- a comparison is rare, and its calls take far longer. Then a probe of profile_features' key each.
with picked as materialized (
    select c.profile_id
    from campaign_candidates c
    where c.campaign_id = :campaign_id
    order by md5(c.profile_id::text || :seed::text), c.profile_id
    limit :limit
)
select f.profile_id, f.username, f.view, f.view_hash
from picked
join profile_features f on f.profile_id = picked.profile_id
order by f.profile_id;

-- name: insert_comparison
-- One row; a run of a comparison is one, and a job that runs again adds none
-- (judge_comparisons_by_job).
insert into judge_comparisons (
    campaign_id, left_model, right_model, sample, report, created_at, job_id
) values (
    :campaign_id, :left_model, :right_model, :sample, :report::jsonb, :now, :job_id::uuid
)
on conflict (job_id) do nothing
returning id;

-- name: find_comparison
-- By judge_comparisons_by_job.
select id, campaign_id, left_model, right_model, sample, report, created_at
from judge_comparisons
where job_id = :job_id::uuid;

-- name: insert_disagreement
-- The profile is locked as the foreign key would lock it: one that was erased gives no row.
insert into judge_disagreements (
    comparison_id, campaign_id, profile_id, username, left_said, right_said
)
select
    :comparison_id::bigint, :campaign_id::bigint, p.profile_id, :username::text,
    :left_said::jsonb, :right_said::jsonb
from profiles_raw p
where p.profile_id = :profile_id
for key share;

-- name: list_comparisons
-- judge_comparisons_by_campaign, the newest first.
select id, campaign_id, left_model, right_model, sample, report, created_at
from judge_comparisons
where campaign_id = :campaign_id
order by id desc
limit :limit;

-- name: list_disagreements
-- judge_disagreements_by_campaign, the newest first; a comparison has at most some hundred.
select
    d.id, d.comparison_id, d.profile_id, d.username, c.left_model, c.right_model, d.left_said,
    d.right_said, d.fits, d.settled_at
from judge_disagreements d
join judge_comparisons c on c.id = d.comparison_id
where d.campaign_id = :campaign_id and (d.fits is null or not :open::boolean)
order by d.id desc
limit :limit;

-- name: settle_disagreement
-- By the primary keys of both tables.
update judge_disagreements d set fits = :fits, settled_at = :now
from judge_comparisons c
where d.id = :disagreement_id and c.id = d.comparison_id
returning d.id, d.comparison_id, d.profile_id, d.username, c.left_model, c.right_model, d.left_said,
    d.right_said, d.fits, d.settled_at;
