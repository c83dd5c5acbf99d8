-- owns:
-- reads: feedback_events, feedback_classes, threads

-- name: held_feedback_events
-- feedback_events_by_person.
select to_jsonb(e) as row from feedback_events e
where e.platform = :platform and e.platform_id = :platform_id
order by e.id
limit :limit::int;

-- name: held_feedback_classes
-- feedback_events_by_person, then feedback_classes_by_event.
select to_jsonb(c) as row
from feedback_events e
join feedback_classes c on c.event_id = e.id
where e.platform = :platform and e.platform_id = :platform_id
order by c.id
limit :limit::int;

-- name: held_threads
-- Unique (platform, platform_id, account_id).
select to_jsonb(t) as row from threads t
where t.platform = :platform and t.platform_id = :platform_id
limit :limit::int;

-- name: erase_feedback_classes
-- feedback_events_by_person, then feedback_classes_by_event.
delete from feedback_classes c
where c.event_id in (
    select e.id from feedback_events e
    where e.platform = :platform and e.platform_id = :platform_id
);

-- name: erase_threads
-- Unique (platform, platform_id, account_id).
delete from threads t where t.platform = :platform and t.platform_id = :platform_id;

-- name: erase_feedback_events
-- feedback_events_by_person, and feedback_events_by_profile for what names only the profile.
delete from feedback_events e
where (e.platform = :platform and e.platform_id = :platform_id) or e.profile_id = :profile_id;
