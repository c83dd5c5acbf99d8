-- owns:
-- reads: feedback_events

-- name: held_feedback_events
-- feedback_events_by_person.
select to_jsonb(e) as row from feedback_events e
where e.platform = :platform and e.platform_id = :platform_id
order by e.id
limit :limit::int;

-- name: erase_feedback_events
-- feedback_events_by_person, and feedback_events_by_profile for what names only the profile.
delete from feedback_events e
where (e.platform = :platform and e.platform_id = :platform_id) or e.profile_id = :profile_id;
