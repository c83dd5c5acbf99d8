-- owns:
-- reads: messages, leads, campaigns

-- name: page_handed_over
-- messages_charged, in the order in which they were handed over; leads_pkey, campaigns_pkey and the
-- suppressions' unique key. The file is the wire: who was suppressed, or has written back, since a
-- message was handed over is not in it any more.
select
    m.id, m.platform, m.platform_id, m.username, l.display_name, m.body, m.step, m.sent_at,
    m.charged_at, c.name as campaign
from messages m
left join leads l on l.id = m.lead_id
left join campaigns c on c.id = m.campaign_id
where m.account_id = :account_id and m.state = 'sent' and m.charged_at is not null
    and (m.charged_at, m.id) > (:after_at, :after_id)
    and m.platform_message_id like 'export:%'
    and m.answered_at is null
    and not is_suppressed(m.platform, m.platform_id, m.username)
order by m.charged_at, m.id
limit :limit;
