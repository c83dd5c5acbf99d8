-- owns: webhook_sources, webhook_intakes
-- reads: accounts

-- name: insert_source
-- Unique (name): a second one returns no row.
insert into webhook_sources (name, account_id, secret, created_at)
values (:name, :account_id, :secret, :now)
on conflict (name) do nothing
returning id;

-- name: list_sources
-- webhook_sources_pkey and accounts_pkey: a table of a few rows, bounded by the limit.
select
    s.id, s.name, s.account_id, a.platform, a.handle, s.created_at, s.last_taken_at,
    s.last_refused_at, s.last_refusal
from webhook_sources s
join accounts a on a.id = s.account_id
order by s.id
limit :limit;

-- name: get_source
-- Unique (name), then accounts_pkey.
select
    s.id, s.name, s.account_id, a.platform, a.handle, s.created_at, s.last_taken_at,
    s.last_refused_at, s.last_refusal
from webhook_sources s
join accounts a on a.id = s.account_id
where s.name = :name;

-- name: get_secret
-- Unique (name). No query but this and lock_secrets reads the encrypted secret.
select secret from webhook_sources where name = :name;

-- name: lock_secrets
-- webhook_sources_pkey: a table of a few rows, bounded by the limit.
select id, secret from webhook_sources order by id limit :limit for no key update;

-- name: put_secret
-- webhook_sources_pkey.
update webhook_sources set secret = :secret where id = :id;

-- name: delete_source
-- Unique (name).
delete from webhook_sources where name = :name;

-- name: take_delivery
-- webhook_intakes_pkey: a delivery that was taken already writes no row.
insert into webhook_intakes (source_id, delivery_id, received_at)
values (:source_id, :delivery_id, :now)
on conflict (source_id, delivery_id) do nothing;

-- name: forget_deliveries
-- webhook_intakes_by_age: older ones are refused for their time stamps.
delete from webhook_intakes
where ctid = any(array(
    select ctid from webhook_intakes where received_at < :before limit :limit
));

-- name: note_taken
-- webhook_sources_pkey.
update webhook_sources set last_taken_at = :now where id = :id;

-- name: note_refused
-- webhook_sources_pkey.
update webhook_sources set last_refused_at = :now, last_refusal = :why where id = :id;
