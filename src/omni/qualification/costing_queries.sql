-- owns:
-- reads: llm_calls, profile_features

-- name: get_pace
-- What the campaign's last answered calls of a model took and used: llm_calls_by_campaign, the newest
-- days first, at most some hundred rows.
select
    count(*) as calls,
    avg(last.prompt_tokens)::double precision as prompt_tokens,
    avg(last.answer_tokens)::double precision as answer_tokens,
    avg(last.latency_ms)::double precision as latency_ms
from (
    select c.prompt_tokens, c.answer_tokens, c.latency_ms
    from llm_calls c
    where c.campaign_id = :campaign_id and c.model = :model and c.day >= :since::date
      and c.outcome = 'answered'
    order by c.day desc, c.id desc
    limit :limit
) last;

-- name: list_shown_views
-- By the primary key.
select f.view from profile_features f where f.profile_id = any(:profile_ids::bigint[]);

-- name: list_last_calls
-- One probe of llm_calls_by_campaign for each model, the newest days first, as far as its newest call
-- for one of these purposes that has ended. What our own side hung up says nothing of a model.
select last.model, last.outcome = 'answered' as answered, last.error, last.ended_at
from unnest(:models::text[]) with ordinality as asked (model, place)
cross join lateral (
    select c.model, c.outcome, c.error, c.ended_at
    from llm_calls c
    where c.campaign_id = :campaign_id and c.model = asked.model and c.day >= :since::date
      and c.purpose = any(:purposes::text[]) and c.ended_at is not null
      and (c.error is null or not starts_with(c.error, 'CancelledError'))
    order by c.day desc, c.id desc
    limit 1
) last
order by asked.place;
