-- owns:
-- reads: accounts, messages

-- name: lock_account
-- accounts_pkey. Claims of one account happen one after the other, in every worker; the lock lets
-- the foreign key of `messages` through.
select {{columns}} from accounts where id = :id for no key update;

-- name: list_charges
-- messages_charged, the newest ones: of those further back, a few decide (list_places).
select charged_at, state in ('claimed', 'sending') as in_flight
from messages
where account_id = :account_id and charged_at > :since
order by charged_at desc limit :limit;

-- name: list_places
-- messages_charged, the index alone: when the n-th newest charge was, for each n that decides.
select wanted.place, c.charged_at
from unnest(:places::int[]) as wanted (place)
cross join lateral (
    select charged_at from messages
    where account_id = :account_id and charged_at > :since
    order by charged_at desc
    offset wanted.place - 1 limit 1
) c;

-- name: get_sender
-- accounts_pkey: the account as it is at the wire.
select {{columns}} from accounts where id = :id;

-- name: count_uses
-- messages_charged, the index alone: what counts in the hour, the day and the week until now.
select
    count(*) filter (where charged_at > :now::timestamptz - interval '1 hour') as in_hour,
    count(*) filter (where charged_at > :now::timestamptz - interval '24 hours') as in_day,
    count(*) as in_week
from messages
where account_id = :account_id and charged_at > :now::timestamptz - interval '7 days';
