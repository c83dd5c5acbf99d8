"""The SQL that criteria compile to answers as the language is defined, on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from omni.predicate.plan import compile_criteria
from omni.predicate.types import Where
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query
from tests.predicate_fixtures import EXAMPLES, Json, Profile, cases, evaluate

pytestmark = pytest.mark.long

ANSWERS = Query(
    "answers",
    """
    select coalesce(array_agg({{where}} order by nr), '{}'), now()
    from (
        select t.*, to_tsvector('simple', t.search_text) as search
        from rows from (
            jsonb_to_recordset(:profiles::jsonb) as (
                platform text, username text, display_name text, bio text, language text,
                country text, place text, followers bigint, follows bigint, posts bigint,
                posts_per_week double precision, engagement double precision,
                account_created_at timestamptz, last_post_at timestamptz, has_avatar boolean,
                is_bot boolean, accepts_messages boolean, hashtags text[], keywords text[],
                domains text[], search_text text
            )
        ) with ordinality as t (
            platform, username, display_name, bio, language, country, place, followers, follows,
            posts,
            posts_per_week, engagement, account_created_at, last_post_at, has_avatar, is_bot,
            accepts_messages, hashtags, keywords, domains, search_text, nr
        )
    ) pf
    """,
)


class Asking:
    """A database that is asked from synchronous code, which generated examples need."""

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        self._runner = runner
        self._db = db

    def answers(self, where: Where, rows: list[Profile]) -> tuple[list[bool | None], datetime]:
        """Return what the predicate says of each row, and the moment it was asked."""
        fragments = {"where": Fragment(where.sql, where.params)}
        row = self._runner.run(self._db.fetchrow(ANSWERS, fragments, profiles=rows))
        assert row is not None
        values: tuple[Any, ...] = tuple(row.values())
        return list(values[0]), values[1]


@pytest.fixture
def asking(database_url: str) -> Iterator[Asking]:
    with asyncio.Runner() as runner:
        db = runner.run(Database.connect(database_url, size=1))
        yield Asking(runner, db)
        runner.run(db.close())


@given(cases())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_sql_answers_as_the_definition_says(
    asking: Asking, case: tuple[Json, list[Profile]]
) -> None:
    document, rows = case
    answered, now = asking.answers(compile_criteria(document).where, rows)
    assert answered == [evaluate(document, row, now) for row in rows]


HOSTILE = [
    "'; drop table profile_features; --",
    "' or '1'='1",
    "$1",
    ":c_0",
    "{{where}}",
    "%s",
    "\\' or 1=1 --",
    '" or true',
    "*/ or true /*",
    "🙂" * 100,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("op", ["=", "starts with", "matches", "similar to", "in"])
def test_text_with_sql_in_it_is_only_text(asking: Asking, text: str, op: str) -> None:
    value = [text, "x"] if op == "in" else f"a {text}"
    plain = ["a", "b"] if op == "in" else "a"
    where = compile_criteria({"field": "bio", "op": op, "value": value}).where
    assert where.sql == compile_criteria({"field": "bio", "op": op, "value": plain}).where.sql
    same, other = blank(bio=value[0] if op == "in" else value), blank(bio="quite another")
    assert asking.answers(where, [same, other])[0] == [True, False]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("solar energy", [True, True, False]),
        ('"solar energy"', [True, False, False]),
        ("wind or solar", [True, True, True]),
        ("solar -energy", [False, False, False]),
        ("SOLAR", [True, True, False]),
        ("sola", [False, False, False]),
        ("(((((", None),
    ],
)
def test_matches_speaks_websearch(asking: Asking, query: str, found: list[bool] | None) -> None:
    bios = ["I love solar energy", "energy, solar and more", "wind"]
    document = {"field": "bio", "op": "matches", "value": query if found else f"{query}²x"}
    answered, _ = asking.answers(compile_criteria(document).where, [blank(bio=bio) for bio in bios])
    assert answered == (found or [False] * 3)


def test_a_query_without_words_matches_nobody_under_not_either(asking: Asking) -> None:
    where = compile_criteria({"field": "text", "op": "matches", "value": "x"}).where
    emptied = Where(where.sql, {"c_0": "-"})
    negated = Where(f"not ({where.sql})", {"c_0": "-"})
    assert asking.answers(emptied, [blank(), blank(search_text="x")])[0] == [None, None]
    assert asking.answers(negated, [blank(), blank(search_text="x")])[0] == [None, None]


def test_a_relative_date_moves_with_the_clock(asking: Asking) -> None:
    compiled = compile_criteria({"field": "last_post_at", "op": ">=", "value": "2 weeks ago"})
    assert compiled.where.drifts
    _, now = asking.answers(compiled.where, [])
    rows = [
        blank(last_post_at=now.replace(year=now.year - 1)),
        blank(last_post_at=now.isoformat()),
        blank(),
    ]
    assert asking.answers(compiled.where, rows)[0] == [False, True, None]


def blank(**known: object) -> Profile:
    """A profile of which nothing is known but this."""
    lists: Profile = dict.fromkeys(("hashtags", "keywords", "domains"), ())
    return {"platform": "x", "username": "x", "search_text": "", **lists, **known}
