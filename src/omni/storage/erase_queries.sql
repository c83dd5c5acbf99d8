-- owns:
-- reads: web_pages, idempotency_keys

-- name: held_web_pages
-- No index: reads the table once, for pages that name the person; this is asked once in a while.
select to_jsonb(w) as row
from web_pages w
where (w.url = :platform_id and :platform::text = 'web') or w.reading::text ~* :pattern
order by w.url
limit :limit::int;

-- name: erase_web_pages
-- No index: reads the table once. What is not remembered is only asked for again.
delete from web_pages w
where (w.url = :platform_id and :platform::text = 'web') or w.reading::text ~* :pattern;

-- name: held_idempotency_keys
-- No index: the answers of a day.
select jsonb_build_object(
    'route', k.route, 'created_at', k.created_at, 'answer', convert_from(k.response, 'UTF8')
) as row
from idempotency_keys k
where convert_from(k.response, 'UTF8') ~* :pattern
order by k.created_at
limit :limit::int;

-- name: erase_idempotency_keys
-- No index: the answers of a day.
delete from idempotency_keys k where convert_from(k.response, 'UTF8') ~* :pattern;
