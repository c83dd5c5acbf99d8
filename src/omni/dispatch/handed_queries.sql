-- owns:
-- reads: messages, accounts, leads, campaigns

-- name: hand_over
-- messages_to_hand, then accounts_pkey: the account's row is held until this is committed, so that
-- moments are given, and seen, one after the other. A message that is committed late gets a later one.
with fresh as materialized (
    select m.id
    from messages m
    where m.account_id = :account_id and m.state = 'sent' and m.handed_at is null
        and m.platform_message_id like 'export:%'
    order by m.id
    limit :limit
), moment as (
    update accounts
    set handed_at = greatest(:now::timestamptz, handed_at + interval '1 microsecond')
    where id = :account_id and exists (select from fresh)
    returning handed_at
)
update messages m set handed_at = moment.handed_at
from fresh, moment
where m.id = fresh.id and m.handed_at is null;

-- name: page_handed_over
-- messages_handed, in the order in which they were handed over; leads_pkey, campaigns_pkey and the
-- suppressions' unique key. The file is the wire: who was suppressed, or has written back, since a
-- message was handed over is not in it any more.
select
    m.id, m.platform, m.platform_id, m.username, l.display_name, m.body, m.step, m.handed_at,
    c.name as campaign
from messages m
left join leads l on l.id = m.lead_id
left join campaigns c on c.id = m.campaign_id
where m.account_id = :account_id and m.handed_at is not null
    and (m.handed_at, m.id) > (:after_at, :after_id)
    and m.state = 'sent' and m.platform_message_id like 'export:%'
    and m.answered_at is null
    and not is_suppressed(m.platform, m.platform_id, m.username)
order by m.handed_at, m.id
limit :limit;
