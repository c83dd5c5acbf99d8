-- owns: profiles_raw, profile_features, discoveries
-- reads: images

-- name: compare_known
-- The unique index on (platform, platform_id). `place` counts from 0. Who was gone has no features,
-- so that they count as changed.
select (n.place - 1)::int as place, p.content_hash = n.content_hash and p.gone_since is null as same
from unnest(:platforms::text[], :platform_ids::text[], :hashes::text[])
    with ordinality as n (platform, platform_id, content_hash, place)
join profiles_raw p using (platform, platform_id);

-- name: meet_known
-- As compare_known, but the rows are locked, in the order of the unique index, so that two writers
-- never wait for each other in a circle; after a wait Postgres looks at the row as it is then. The
-- unchanged are only noted as seen.
with known as materialized (
    select p.profile_id, (n.place - 1)::int as place,
        p.content_hash = n.content_hash and p.gone_since is null as same
    from unnest(:platforms::text[], :platform_ids::text[], :hashes::text[])
        with ordinality as n (platform, platform_id, content_hash, place)
    join profiles_raw p using (platform, platform_id)
    order by p.platform, p.platform_id
    for no key update
), seen as (
    update profiles_raw p
    set last_seen = greatest(p.last_seen, :now::timestamptz),
        looked_at = greatest(p.looked_at, :now::timestamptz), missed_at = null
    from known
    where p.profile_id = known.profile_id and known.same
)
select known.place, known.profile_id, known.same from known;

-- name: write_changed
-- Primary key; the rows are locked by meet_known.
update profiles_raw p
set username = n.username, payload = n.payload::jsonb, content_hash = n.content_hash,
    last_seen = greatest(p.last_seen, :now::timestamptz),
    looked_at = greatest(p.looked_at, :now::timestamptz), missed_at = null, gone_since = null
from unnest(:profile_ids::bigint[], :usernames::text[], :payloads::text[], :hashes::text[])
    as n (profile_id, username, payload, content_hash)
where p.profile_id = n.profile_id;

-- name: add_new
-- The unique index on (platform, platform_id) lets one of two writers win. Whoever comes second
-- waits for the first, in the order of the keys, and then leaves the row alone.
insert into profiles_raw
    (platform, platform_id, username, payload, content_hash, first_seen, last_seen, looked_at)
select n.platform, n.platform_id, n.username, n.payload::jsonb, n.content_hash,
    :now::timestamptz, :now::timestamptz, :now::timestamptz
from unnest(:platforms::text[], :platform_ids::text[], :usernames::text[], :payloads::text[],
    :hashes::text[]) with ordinality
    as n (platform, platform_id, username, payload, content_hash, place)
order by n.place
on conflict (platform, platform_id) do nothing
returning profile_id, platform, platform_id;

-- name: find_ids
-- The unique index on (platform, platform_id).
select p.profile_id, p.platform, p.platform_id
from unnest(:platforms::text[], :platform_ids::text[]) as n (platform, platform_id)
join profiles_raw p using (platform, platform_id);

-- name: put_features
-- Primary key. Lists come as one text each, parted by the unit separator, which no clean text has.
-- {{marks}} compares the row with the one that it replaces (null: there was none).
insert into profile_features (
    profile_id, platform, username, display_name, bio, language, country, place, followers, follows,
    posts, posts_per_week, engagement, account_created_at, last_post_at, has_avatar, is_bot,
    accepts_messages, hashtags, keywords, domains, signals, search, view, view_hash, version_hash,
    enrich_version, updated_at
)
select
    n.profile_id, n.platform, n.username, n.display_name, n.bio, n.language, n.country, n.place,
    n.followers, n.follows, n.posts, n.posts_per_week, n.engagement, n.account_created_at,
    n.last_post_at, n.has_avatar, n.is_bot, n.accepts_messages,
    string_to_array(n.hashtags, chr(31)), string_to_array(n.keywords, chr(31)),
    string_to_array(n.domains, chr(31)),
    string_to_array(n.signals, chr(31))::double precision[],
    to_tsvector('simple', n.search_text), n.view::jsonb, n.view_hash, n.version_hash,
    :enrich_version::int, :now::timestamptz
from unnest(
    :profile_ids::bigint[], :platforms::text[], :usernames::text[], :display_names::text[],
    :bios::text[], :languages::text[], :countries::text[], :places::text[],
    :followers::bigint[], :follows::bigint[], :posts::bigint[], :posts_per_week::double precision[],
    :engagement::double precision[], :account_created_at::timestamptz[],
    :last_post_at::timestamptz[], :has_avatar::boolean[], :is_bot::boolean[],
    :accepts_messages::boolean[], :hashtags::text[], :keywords::text[], :domains::text[],
    :signals::text[], :search_texts::text[], :views::text[], :view_hashes::text[],
    :version_hashes::text[]
) as n (
    profile_id, platform, username, display_name, bio, language, country, place, followers, follows,
    posts, posts_per_week, engagement, account_created_at, last_post_at, has_avatar, is_bot,
    accepts_messages, hashtags, keywords, domains, signals, search_text, view, view_hash,
    version_hash
)
on conflict (profile_id) do update set
    platform = excluded.platform, username = excluded.username,
    display_name = excluded.display_name, bio = excluded.bio, language = excluded.language,
    country = excluded.country, place = excluded.place, followers = excluded.followers,
    follows = excluded.follows, posts = excluded.posts, posts_per_week = excluded.posts_per_week,
    engagement = excluded.engagement, account_created_at = excluded.account_created_at,
    last_post_at = excluded.last_post_at, has_avatar = excluded.has_avatar,
    is_bot = excluded.is_bot, accepts_messages = excluded.accepts_messages,
    hashtags = excluded.hashtags, keywords = excluded.keywords, domains = excluded.domains,
    signals = excluded.signals, search = excluded.search, view = excluded.view,
    view_hash = excluded.view_hash, version_hash = excluded.version_hash,
    enrich_version = excluded.enrich_version,
    updated_at = excluded.updated_at
returning new.profile_id, case when old.profile_id is not null then {{marks}} end as marks;

-- name: add_discoveries
-- Primary key (campaign_id, profile_id): the first discovery stands. In the order of the ids, so
-- that two writers for one campaign wait in line.
insert into discoveries (campaign_id, profile_id, job_id, found_at)
select :campaign_id::bigint, n.profile_id, :job_id::uuid, :now::timestamptz
from unnest(:profile_ids::bigint[]) as n (profile_id)
order by n.profile_id
on conflict (campaign_id, profile_id) do nothing;

-- name: note_missed
-- The unique index on (platform, platform_id), locked in its order as in meet_known. Who was seen
-- since we asked is not missed.
with missed as materialized (
    select p.profile_id
    from profiles_raw p
    where p.platform = :platform::text and p.platform_id = any(:platform_ids::text[])
        and p.last_seen <= :now::timestamptz and p.gone_since is null
    order by p.platform, p.platform_id
    for no key update
)
update profiles_raw p
set looked_at = greatest(p.looked_at, :now::timestamptz),
    missed_at = coalesce(p.missed_at, :now::timestamptz)
from missed
where p.profile_id = missed.profile_id
returning p.platform_id, p.missed_at;

-- name: mark_gone
-- The unique index on (platform, platform_id), locked in its order as in meet_known; the features go
-- by their primary key. Who was seen since we asked is not gone.
with gone as materialized (
    select p.profile_id
    from profiles_raw p
    where p.platform = :platform::text and p.platform_id = any(:platform_ids::text[])
        and p.last_seen <= :now::timestamptz and p.gone_since is null
    order by p.platform, p.platform_id
    for no key update
), forgotten as (
    delete from profile_features f using gone where f.profile_id = gone.profile_id
)
update profiles_raw p
set gone_since = :now::timestamptz
from gone
where p.profile_id = gone.profile_id
returning p.profile_id;

-- name: profile_page
-- Walks the primary key of profile_features downwards from :after; one row of profiles_raw each.
select coalesce(json_agg(item order by item.profile_id desc), '[]')::text
from (
    select f.profile_id, f.platform, r.platform_id, f.username, f.display_name, f.bio, f.language,
        f.country, f.followers, f.follows, f.posts, f.posts_per_week, f.engagement,
        f.account_created_at, f.last_post_at, f.has_avatar, f.is_bot, f.accepts_messages,
        f.hashtags, f.keywords, f.domains, r.first_seen, r.last_seen, r.gone_since
    from profile_features f
    join profiles_raw r on r.profile_id = f.profile_id
    where f.profile_id < coalesce(:after::bigint, 9223372036854775807)
    order by f.profile_id desc
    limit :limit::int
) as item;

-- name: get_profile
-- Primary keys of profile_features, profiles_raw and images.
select (
    to_jsonb(f) - 'search' - 'view' - 'signals'
    || jsonb_build_object(
        'platform_id', r.platform_id,
        'first_seen', r.first_seen,
        'last_seen', r.last_seen,
        'gone_since', r.gone_since,
        'signals', to_jsonb(f.signals),
        'recent_posts', r.payload -> 'posts',
        'links', r.payload -> 'links',
        'images', coalesce((
            select jsonb_agg(jsonb_build_object(
                'position', i.position, 'url', i.url, 'sha256', i.sha256,
                'content_type', i.content_type, 'bytes', i.bytes) order by i.position)
            from images i
            where i.profile_id = f.profile_id), '[]')
    )
)::text
from profile_features f
join profiles_raw r on r.profile_id = f.profile_id
where f.profile_id = :profile_id::bigint;
