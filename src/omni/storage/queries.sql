-- owns: web_pages
-- reads:

-- name: recall_page
-- web_pages_pkey: one row.
select etag, last_modified, reading from web_pages where url = :url;

-- name: keep_page
-- web_pages_pkey. What is the same is written again only so often that it does not count as forgotten.
insert into web_pages as w (url, etag, last_modified, reading, read_at)
values (:url, :etag, :last_modified, :reading::jsonb, :now)
on conflict (url) do update
set etag = excluded.etag, last_modified = excluded.last_modified, reading = excluded.reading,
    read_at = excluded.read_at
where w.read_at < excluded.read_at - interval '7 days'
    or (w.etag, w.last_modified, w.reading)
        is distinct from (excluded.etag, excluded.last_modified, excluded.reading);

-- name: forget_pages
-- web_pages_pkey: a stretch of it, in its order; the next stretch begins behind its last address.
with stretch as materialized (
    select url, read_at from web_pages where url > :after order by url limit :size
), gone as (
    delete from web_pages as w using stretch
    where w.url = stretch.url and stretch.read_at < :before and w.read_at < :before
    returning w.url
)
select
    (select url from stretch order by url desc limit 1) as last,
    (select count(*) from stretch) as seen,
    (select count(*) from gone) as gone;
