-- owns: images, image_objects
-- reads: profiles_raw

-- name: image_urls
-- Primary keys of profiles_raw and images: which pictures a profile shows, and which of them are
-- held already. People who are gone show none.
select p.profile_id, (shown.place - 1)::int as position, shown.url, held.url as held_url, held.etag,
    held.last_modified, held.fetched_at
from profiles_raw p
cross join lateral jsonb_array_elements_text(p.payload -> 'image_urls')
    with ordinality as shown (url, place)
left join images held
    on held.profile_id = p.profile_id and held.position = (shown.place - 1)::int
where p.profile_id = any(:profile_ids::bigint[]) and p.gone_since is null and shown.place <= 3
order by p.profile_id, shown.place;

-- name: put_images
-- Primary key. Who was erased or has gone while their pictures were fetched gets none: the join leaves
-- them out, and its lock is the one that the foreign key needs. So does one whose object was given up
-- meanwhile (image_objects_kept): the picture is asked for again.
with mine as materialized (
    select o.sha256, o.copy
    from image_objects o
    where o.doomed_at is null and (o.sha256, o.copy) in (
        select w.sha256, w.copy from unnest(:sha256s::text[], :copies::text[]) as w (sha256, copy)
    )
    order by o.sha256
    for no key update
), kept as materialized (
    update image_objects o
    set stored = true, used_at = greatest(o.used_at, :now::timestamptz)
    from mine
    where o.sha256 = mine.sha256 and o.copy = mine.copy
    returning o.sha256
)
insert into images (profile_id, position, url, sha256, content_type, bytes, etag, last_modified,
    fetched_at)
select p.profile_id, n.position, n.url, n.sha256, n.content_type, n.bytes, n.etag, n.last_modified,
    :now::timestamptz
from unnest(:profile_ids::bigint[], :positions::smallint[], :urls::text[], :sha256s::text[],
    :content_types::text[], :bytes::int[], :etags::text[], :last_modified::text[])
    as n (profile_id, position, url, sha256, content_type, bytes, etag, last_modified)
join profiles_raw p on p.profile_id = n.profile_id and p.gone_since is null
where n.sha256 in (select k.sha256 from kept k)
order by p.profile_id, n.position
for key share
on conflict (profile_id, position) do update set
    url = excluded.url, sha256 = excluded.sha256, content_type = excluded.content_type,
    bytes = excluded.bytes, etag = excluded.etag, last_modified = excluded.last_modified,
    fetched_at = excluded.fetched_at;

-- name: note_same
-- Primary key: pictures that their hosts say are as they were.
update images i
set url = n.url, etag = n.etag, last_modified = n.last_modified, fetched_at = :now::timestamptz
from unnest(:profile_ids::bigint[], :positions::smallint[], :urls::text[], :etags::text[],
    :last_modified::text[]) as n (profile_id, position, url, etag, last_modified)
where i.profile_id = n.profile_id and i.position = n.position;

-- name: lock_images
-- Primary key of images, in its order: held until the transaction ends, so that of two that bring the
-- same person's pictures the second sees what the first brought.
select i.profile_id, i.position, i.sha256
from images i
where i.profile_id = any(:profile_ids::bigint[])
order by i.profile_id, i.position
for no key update;

-- name: drop_images
-- Primary keys: pictures at places that the profile no longer has.
delete from images i
using profiles_raw p
where p.profile_id = any(:profile_ids::bigint[]) and i.profile_id = p.profile_id
    and i.position >= jsonb_array_length(p.payload -> 'image_urls')
returning i.profile_id;

-- name: lose_images
-- Primary key of images, and image_objects_kept: pictures whose bytes are not where they should be. The
-- person shows them no more until they are fetched again, and whoever brings the same bytes puts them.
with gone as (
    delete from images i
    where i.profile_id = :profile_id and i.sha256 = any(:sha256s::text[])
    returning i.sha256
)
update image_objects o
set stored = false
from (select distinct g.sha256 from gone g) g
where o.sha256 = g.sha256 and o.doomed_at is null;

-- name: drop_images_of
-- Primary key: every picture of these people.
delete from images where profile_id = any(:profile_ids::bigint[]);

-- name: images_of
-- Primary key of images.
select profile_id, position, url, sha256, content_type, bytes
from images
where profile_id = any(:profile_ids::bigint[])
order by profile_id, position;

-- name: find_old_images
-- Primary key of images: whose pictures have not been asked for since a moment.
select distinct profile_id
from images
where profile_id = any(:profile_ids::bigint[]) and fetched_at < :before::timestamptz
order by profile_id;

-- name: keep_object
-- image_objects_kept: one row holds each object that is not given up. Whoever comes second gets the
-- copy of the first, and puts off its end.
insert into image_objects as o (sha256, copy, content_type, bytes, used_at)
values (:sha256, :copy, :content_type, :bytes::int, :now::timestamptz)
on conflict (sha256) where doomed_at is null
    do update set used_at = greatest(o.used_at, excluded.used_at)
returning o.copy, o.stored;

-- name: find_shown
-- image_objects_kept, and images_by_sha256: an object is given out only while somebody shows it.
select o.copy, o.content_type, o.bytes
from image_objects o
where o.sha256 = :sha256 and o.doomed_at is null and o.stored
    and exists (select from images i where i.sha256 = o.sha256);

-- name: lock_unused
-- The next stretch of image_objects_kept from :after on, in its order; each costs a probe of
-- images_by_sha256. Whoever records a picture of one of these objects at this moment waits for this
-- transaction, or it for them: only a statement that begins after the wait sees what they wrote.
with stretch as materialized (
    select o.sha256, o.copy
    from image_objects o
    where o.sha256 > :after and o.doomed_at is null
    order by o.sha256
    limit :size::int
)
select o.sha256
from image_objects o
where (o.sha256, o.copy) in (select s.sha256, s.copy from stretch s)
    and o.used_at < :unused_since::timestamptz
    and not exists (select from images i where i.sha256 = o.sha256)
order by o.sha256
for no key update;

-- name: doom_stretch
-- The same stretch, after lock_unused: an object that nothing shows, and that nobody has asked to keep
-- for a while, is given up.
with stretch as materialized (
    select o.sha256, o.copy
    from image_objects o
    where o.sha256 > :after and o.doomed_at is null
    order by o.sha256
    limit :size::int
), doomed as (
    update image_objects o
    set doomed_at = :now::timestamptz
    from stretch s
    where o.sha256 = s.sha256 and o.copy = s.copy and o.doomed_at is null
        and o.used_at < :unused_since::timestamptz
        and not exists (select from images i where i.sha256 = o.sha256)
    returning o.sha256
)
select (select max(s.sha256) from stretch s) as reached,
    (select count(*) from stretch) as seen,
    (select count(*) from doomed) as doomed;

-- name: find_doomed
-- image_objects_doomed, the longest given up first.
select sha256, copy
from image_objects
where doomed_at < :before::timestamptz
order by doomed_at
limit :limit::int;

-- name: forget_objects
-- Primary key. Their bytes are gone, and nobody can have taken them up again.
delete from image_objects o
using unnest(:sha256s::text[], :copies::text[]) as n (sha256, copy)
where o.sha256 = n.sha256 and o.copy = n.copy and o.doomed_at is not null;
