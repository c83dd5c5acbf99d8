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
-- messages_to_send: the head of the queue says what it waits for; its order stays as it is.
with head as (
    select id, held_by from messages
    where platform = :platform and state = 'approved' and eligible_at <= :now
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
