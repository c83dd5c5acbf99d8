-- owns: llm_calls, llm_budgets
-- reads: campaigns
--
-- Every call of a model is a row before it is on the wire, and belongs to the day on which it began.

-- name: reserve_call
-- By the keys of campaigns and llm_budgets: the call is written down only if the day's budget takes
-- it, in one statement, so that the limits hold however many workers there are. The update reads the
-- newest row of llm_budgets, since it has locked it.
with limits as materialized (
    select
        c.id,
        coalesce(c.daily_call_limit, 9223372036854775807) as calls,
        coalesce(c.daily_cost_limit_micros, 9223372036854775807) as cost_micros
    from campaigns c
    where c.id = :campaign_id
), reserved as (
    insert into llm_budgets as b (campaign_id, day, calls, cost_micros)
    select l.id, :day::date, 1, :cost_micros::bigint
    from limits l
    where l.calls >= 1 and l.cost_micros >= :cost_micros
    on conflict (campaign_id, day) do update set
        calls = b.calls + 1, cost_micros = b.cost_micros + excluded.cost_micros
    where b.calls < (select l.calls from limits l)
      and b.cost_micros + excluded.cost_micros <= (select l.cost_micros from limits l)
    returning b.campaign_id
)
insert into llm_calls (
    purpose, campaign_id, profile_id, job_id, model, recording_key, day, cost_micros, created_at
)
select
    :purpose::text, r.campaign_id, :profile_id::bigint, :job_id::uuid, :model::text,
    :recording_key::text, :day::date, :cost_micros::bigint, :now::timestamptz
from reserved r
returning id;

-- name: note_call
-- A call that belongs to no campaign has no budget.
insert into llm_calls (
    purpose, profile_id, job_id, model, recording_key, day, cost_micros, created_at
) values (
    :purpose::text, :profile_id::bigint, :job_id::uuid, :model::text, :recording_key::text,
    :day::date, :cost_micros::bigint, :now::timestamptz
)
returning id;

-- name: settle_call
-- By the keys of llm_calls and llm_budgets: the price of what was really used takes the place of
-- what was reserved. A call is settled once.
with settled as (
    update llm_calls c set
        outcome = :outcome::text, error = :error::text,
        prompt_tokens = :prompt_tokens::bigint, answer_tokens = :answer_tokens::bigint,
        cost_micros = :cost_micros::bigint, latency_ms = :latency_ms::double precision,
        ended_at = :now::timestamptz
    where c.id = :call_id::bigint and c.ended_at is null
    returning c.campaign_id, c.day
)
update llm_budgets b
set cost_micros = b.cost_micros + :cost_micros::bigint - :reserved_micros::bigint
from settled s
where b.campaign_id = s.campaign_id and b.day = s.day and :cost_micros <> :reserved_micros;

-- name: forget_call
-- By the keys of llm_calls and llm_budgets: a call that was written down and never made takes nothing
-- of the budget.
with gone as (
    delete from llm_calls c
    where c.id = :call_id::bigint and c.ended_at is null
    returning c.campaign_id, c.day
)
update llm_budgets b
set calls = b.calls - 1, cost_micros = b.cost_micros - :reserved_micros::bigint
from gone g
where b.campaign_id = g.campaign_id and b.day = g.day;

-- name: get_spent
-- By the key of llm_budgets.
select b.calls, b.cost_micros from llm_budgets b where b.campaign_id = :campaign_id and b.day = :day;

-- name: sum_calls
-- A campaign's part of llm_calls_by_campaign since a day: what was called and what it cost, for each
-- day and model.
select
    c.day, c.model, c.purpose,
    count(*) as calls,
    count(*) filter (where c.outcome = 'answered') as answered,
    count(*) filter (where c.outcome = 'failed') as failed,
    coalesce(sum(c.prompt_tokens), 0)::bigint as prompt_tokens,
    coalesce(sum(c.answer_tokens), 0)::bigint as answer_tokens,
    sum(c.cost_micros)::bigint as cost_micros
from llm_calls c
where c.campaign_id = :campaign_id and c.day >= :since::date
group by c.day, c.model, c.purpose
order by c.day desc, c.model, c.purpose;

-- name: sum_all_calls
-- The part of llm_calls_by_day since a day: what was called and what it cost, whoever it was for.
select
    c.day, c.model, c.purpose,
    count(*) as calls,
    count(*) filter (where c.outcome = 'answered') as answered,
    count(*) filter (where c.outcome = 'failed') as failed,
    coalesce(sum(c.prompt_tokens), 0)::bigint as prompt_tokens,
    coalesce(sum(c.answer_tokens), 0)::bigint as answer_tokens,
    sum(c.cost_micros)::bigint as cost_micros
from llm_calls c
where c.day >= :since::date
group by c.day, c.model, c.purpose
order by c.day desc, c.model, c.purpose;
