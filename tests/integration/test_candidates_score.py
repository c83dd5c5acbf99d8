"""The cheap score is the same number in Postgres and in Python, to the bit."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omni.campaigns.bounds import checked_weights
from omni.candidates.plan import SCORE_SQL, cheap_score, score_params
from omni.profiles.types import SIGNALS
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query

SCORES = Query(
    "scores",
    """
    select {{score}} as score
    from (
        select array(select jsonb_array_elements_text(row)::float8) as signals
        from jsonb_array_elements(:rows::jsonb) row
    ) pf
    """,
)
SIGNAL = st.one_of(st.floats(0, 1).filter(lambda s: s == 0 or s > 1e-100), st.just(0.1 + 0.2))
ROWS = st.lists(st.lists(SIGNAL, max_size=len(SIGNALS)), min_size=1, max_size=20)
WEIGHTS = st.lists(
    st.floats(-1000, 1000) | st.sampled_from([1e-300, -0.0, 5e-324]),
    min_size=len(SIGNALS),
    max_size=len(SIGNALS),
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, weights=WEIGHTS)
def test_sql_and_python_give_the_same_score(
    database_url: str, rows: list[list[float]], weights: list[float]
) -> None:
    stored = checked_weights(weights)

    async def ask() -> list[float]:
        db = await Database.connect(database_url, size=1)
        fragments = {"score": Fragment(SCORE_SQL, score_params(stored))}
        found = await db.fetch(SCORES, fragments, rows=rows)
        await db.close()
        return [row["score"] for row in found]

    assert asyncio.run(ask()) == [cheap_score(row, stored) for row in rows]
