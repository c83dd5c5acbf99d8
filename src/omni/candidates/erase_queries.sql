-- owns:
-- reads: campaign_candidates

-- name: held_campaign_candidates
-- Primary key, which begins with the person.
select to_jsonb(c) as row from campaign_candidates c
where c.profile_id = :profile_id
limit :limit::int;

-- name: erase_campaign_candidates
-- Primary key, which begins with the person.
delete from campaign_candidates c where c.profile_id = :profile_id;

-- name: alias_campaign_candidates
-- Primary key, which begins with the person.
select distinct c.username as name from campaign_candidates c where c.profile_id = :profile_id;
