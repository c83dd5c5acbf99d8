-- owns:
-- reads: messages

-- name: list_waiting_platforms
-- messages_to_send, one probe for each platform (a loose index scan).
with recursive waiting as (
    (select platform from messages where state = 'approved' order by platform limit 1)
    union all
    select (
        select m.platform from messages m
        where m.state = 'approved' and m.platform > w.platform
        order by m.platform
        limit 1
    )
    from waiting w
    where w.platform is not null
)
select platform from waiting where platform is not null;

-- name: mark_waiting
-- messages_unbound: the head of the queue says what it waits for; its order stays as it is.
with head as (
    select id, held_by from messages
    where platform = :platform and bound_account_id is null and state = 'approved'
        and eligible_at <= :now
    order by eligible_at, id
    limit :limit
),
marked as (
    update messages m
    set held_by = :gate, updated_at = :now
    from head h
    where m.id = h.id and m.state = 'approved' and h.held_by is distinct from :gate
    returning m.id
)
select (select count(*) from head) as waiting, (select count(*) from marked) as marked;

-- name: count_held
-- messages_to_send and messages_waiting, each up to the bound.
select held_by as gate, count(*) as messages
from (
    (select held_by from messages where state = 'approved' and held_by is not null limit :limit)
    union all
    (select :approval::text from messages where state = 'pending' limit :limit)
) held
group by held_by;

-- name: mark_bound
-- messages_bound, for each account: what may only go from there says what it waits for. Returns the
-- accounts that somebody waits for.
with head as (
    select m.id, m.held_by, w.gate, w.account_id
    from unnest(:account_ids::bigint[], :gates::text[]) as w (account_id, gate)
    cross join lateral (
        select id, held_by from messages
        where bound_account_id = w.account_id and state = 'approved' and eligible_at <= :now
        order by eligible_at, id
        limit :limit
    ) m
),
marked as (
    update messages m
    set held_by = h.gate, updated_at = :now
    from head h
    where m.id = h.id and m.state = 'approved' and h.held_by is distinct from h.gate
    returning m.id
)
select distinct account_id from head;

-- name: count_held_by
-- messages_by_campaign_state, each state up to the bound: what of a campaign waits, and for what.
select platform, state, held_by, bound_account_id, eligible_at <= :now as due,
    count(*) as messages, min(eligible_at) as eligible_at
from (
    (
        select platform, state, held_by, bound_account_id, eligible_at from messages
        where campaign_id = :campaign_id and state = 'approved'
        order by id desc limit :limit
    )
    union all
    (
        select platform, state, held_by, bound_account_id, eligible_at from messages
        where campaign_id = :campaign_id and state = 'pending'
        order by id desc limit :limit
    )
    union all
    (
        select platform, state, held_by, bound_account_id, eligible_at from messages
        where campaign_id = :campaign_id and state = 'ambiguous'
        order by id desc limit :limit
    )
) waiting
group by platform, state, held_by, bound_account_id, due;

-- name: count_concerned
-- messages_to_send, of one platform or of all, and messages_waiting, each up to the bound: what waits
-- for those whom a suppression would concern.
with waiting as (
    (
        select platform, platform_id, username, true as approved from messages
        where state = 'approved' and (:platform::text is null or platform = :platform)
        limit :limit
    )
    union all
    (
        select platform, platform_id, username, false from messages
        where state = 'pending'
        order by id desc limit :limit
    )
)
select
    count(*) filter (
        where (:platform::text is null or platform = :platform)
            and (:domains::text[] is null or exists (
                select from suppression_keys(platform, platform_id, username) k
                where k.platform = '*' and k.platform_id = any(:domains::text[])
            ))
    ) as messages,
    greatest(count(*) filter (where approved), count(*) filter (where not approved)) >= :limit
        as more
from waiting;
