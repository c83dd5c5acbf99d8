-- owns:
-- reads: profiles_raw, profile_features, discoveries, images, image_objects, refreshes

-- name: find_person
-- The unique index on (platform, platform_id).
select p.profile_id from profiles_raw p
where p.platform = :platform and p.platform_id = :platform_id;

-- name: has_people
-- The unique index on (platform, platform_id): its first entry of the platform.
select exists (select from profiles_raw p where p.platform = :platform);

-- name: find_by_name
-- No index on names: reads the table once, where a person is asked for by a name.
select p.platform_id from profiles_raw p
where p.platform = :platform and lower(p.username) = lower(:username)
order by p.platform_id
limit 2;

-- name: held_profiles_raw
-- The unique index on (platform, platform_id).
select to_jsonb(p) as row from profiles_raw p
where p.platform = :platform and p.platform_id = :platform_id
limit :limit::int;

-- name: held_profile_features
-- Primary key.
select to_jsonb(f) as row from profile_features f where f.profile_id = :profile_id limit :limit::int;

-- name: held_discoveries
-- discoveries_by_profile.
select to_jsonb(d) as row from discoveries d where d.profile_id = :profile_id limit :limit::int;

-- name: held_images
-- Primary key.
select to_jsonb(i) as row from images i where i.profile_id = :profile_id limit :limit::int;

-- name: held_refreshes
-- Primary key.
select to_jsonb(r) as row from refreshes r where r.profile_id = :profile_id limit :limit::int;

-- name: lock_objects
-- image_objects_kept. Whoever is recording the same picture for somebody else comes before or after
-- this; the next statement sees which.
select o.sha256 from image_objects o
where o.sha256 in (select i.sha256 from images i where i.profile_id = :profile_id)
  and o.doomed_at is null
order by o.sha256
for no key update;

-- name: erase_images
-- Primary key of images; image_objects_kept and images_by_sha256 for each. An object that shows
-- nobody else is given up at once.
with mine as materialized (
    select i.sha256 from images i where i.profile_id = :profile_id
), doomed as (
    update image_objects o
    set doomed_at = :now::timestamptz
    where o.sha256 in (select mine.sha256 from mine) and o.doomed_at is null
      and not exists (
        select from images i where i.sha256 = o.sha256 and i.profile_id <> :profile_id
      )
)
delete from images i where i.profile_id = :profile_id;

-- name: erase_discoveries
-- discoveries_by_profile.
delete from discoveries d where d.profile_id = :profile_id;

-- name: erase_refreshes
-- Primary key.
delete from refreshes r where r.profile_id = :profile_id;

-- name: erase_profile_features
-- Primary key.
delete from profile_features f where f.profile_id = :profile_id;

-- name: erase_profiles_raw
-- The unique index on (platform, platform_id). What refers to the person anywhere goes with them.
delete from profiles_raw p where p.platform = :platform and p.platform_id = :platform_id;

-- name: alias_profiles_raw
-- The unique index on (platform, platform_id).
select p.username as name from profiles_raw p
where p.platform = :platform and p.platform_id = :platform_id;
