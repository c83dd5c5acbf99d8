-- reads: profile_features
-- owns:

-- name: get_view
-- By the primary key: all that a judge may see of a person.
select f.profile_id, f.username, f.view, f.view_hash
from profile_features f
where f.profile_id = :profile_id;
