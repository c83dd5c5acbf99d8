"""The matcher in memory answers as the SQL and as the definition, on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omni.candidates.store import read_words
from omni.predicate.atoms import queries_of
from omni.predicate.compile import compile_where
from omni.predicate.matcher import Percolator
from omni.predicate.normal import normalise
from omni.predicate.parse import parse
from omni.predicate.types import Criteria, Where
from omni.storage.db import Database
from omni.storage.sql import Fragment, Query
from tests.predicate_fixtures import EXAMPLES, Json, Profile, documents, evaluate, profiles

pytestmark = pytest.mark.long

ROWS = Query(
    "rows",
    """
    select {{columns}}, array[{{answers}}] as answers, now() as now
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
    order by nr
    """,
)
QUERIES = [
    'solar -"wind energy"',
    "a-b",
    "solar or wind energy",
    "it's",
    '-"x1"',
    "x.y/z @w",
    "''",
    "-" * 16 + "x1",
    "solar " + "- !(" * 16 + '"wind energy"',
]


class Asking:
    """A database that is asked from synchronous code, which generated examples need."""

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        self._runner = runner
        self._db = db

    def percolator(self, trees: Sequence[Criteria]) -> Percolator:
        """Compile a percolator as the product does."""
        queries = {query for tree in trees for query in queries_of(tree)}
        return Percolator(trees, self._runner.run(read_words(self._db, sorted(queries))))

    def rows(
        self, percolator: Percolator, wheres: Sequence[Where], rows: Sequence[Profile]
    ) -> Sequence[Any]:
        """Return what the percolator reads of the profiles, with the answers of SQL."""
        columns = ["null as nothing"]
        columns += [f"{sql} as {name}" for name, sql in percolator.columns.items()]
        answers, params = list[str](), dict[str, object]()
        for nr, where in enumerate(wheres):
            answers.append(f"({where.sql.replace(':c_', f':c_{nr}_')})")
            params |= {f"c_{nr}_{name[2:]}": value for name, value in where.params.items()}
        fragments = {
            "columns": Fragment(", ".join(columns)),
            "answers": Fragment(", ".join(answers), params),
        }
        return self._runner.run(self._db.fetch(ROWS, fragments, profiles=list(rows)))


@pytest.fixture
def asking(database_url: str) -> Iterator[Asking]:
    with asyncio.Runner() as runner:
        db = runner.run(Database.connect(database_url, size=1))
        yield Asking(runner, db)
        runner.run(db.close())


def crowds() -> st.SearchStrategy[tuple[list[Json], list[Profile]]]:
    """Generate the criteria of several campaigns, and profiles that vary in what they ask."""
    return st.lists(documents(), min_size=1, max_size=6).flatmap(
        lambda them: st.tuples(
            st.just(them),
            st.lists(profiles(frozenset[str]().union(*map(fields, them))), min_size=1, max_size=4),
        )
    )


def fields(document: Json) -> frozenset[str]:
    if "field" in document:
        return frozenset({document["field"]})
    inner = next(iter(document.values()))
    return frozenset[str]().union(*map(fields, [inner] if "not" in document else inner))


@pytest.mark.long
@given(crowds(), st.booleans())
@settings(
    max_examples=EXAMPLES // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_matcher_sql_and_definition_agree(
    asking: Asking, case: tuple[list[Json], list[Profile]], normal: bool
) -> None:
    them, people = case
    trees = [normalise(parse(document)) if normal else parse(document) for document in them]
    wheres = [compile_where(normalise(tree)) for tree in trees]
    percolator = asking.percolator(trees)
    for profile, row in zip(people, asking.rows(percolator, wheres, people), strict=True):
        now: datetime = row["now"]
        defined = [evaluate(document, profile, now) for document in them]
        assert row["answers"] == defined
        check(percolator, row, defined)


def check(percolator: Percolator, row: Any, answers: Sequence[bool | None]) -> None:
    """Who is matched, is: but for the unsure, who may be too many, never too few."""
    found = percolator.match(row, row["now"])
    assert len(found) == len(set(found))
    for place, answer in enumerate(answers):
        if place in percolator.unsure:
            assert place in found or not answer
        else:
            assert (place in found) is (answer is True)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("field", ["text", "bio"])
def test_websearch_means_the_same(asking: Asking, query: str, field: str) -> None:
    texts = ["solar wind", "wind energy solar", "a-b", "b a", "it is s", "x1", "x.y/z w", "wind"]
    tree = parse({"field": field, "op": "matches", "value": f"{query} solar"})
    trees: list[Criteria] = [
        tree,
        parse({"not": {"field": field, "op": "matches", "value": query}})
        if query != "''"
        else tree,
    ]
    percolator = asking.percolator(trees)
    lists: Profile = dict.fromkeys(("hashtags", "keywords", "domains"), ())
    people: list[Profile] = [
        {"platform": "x", "bio": text, "search_text": text or "", **lists}
        for text in [*texts, None]
    ]
    for row in asking.rows(percolator, [compile_where(tree) for tree in trees], people):
        check(percolator, row, row["answers"])


def test_only_phrases_and_trigrams_are_unsure(asking: Asking) -> None:
    bio = {"field": "bio", "op": "matches", "value": "solar -wind or x1"}
    phrase = {**bio, "value": '"solar energy"'}
    similar = {"field": "bio", "op": "similar to", "value": "solar"}
    percolator = asking.percolator([parse(bio), parse(phrase), parse({"all": [bio, similar]})])
    assert percolator.unsure == {1, 2}


def test_criteria_that_come_apart_into_too_many_conjuncts_are_still_exact(asking: Asking) -> None:
    pairs = [
        {"all": [{"field": "followers", "op": ">", "value": n},
                 {"field": "hashtags", "op": "contains any", "value": [f"tag{n}"]}]}
        for n in range(8)
    ]  # fmt: skip
    tree = parse({"any": pairs})
    percolator = asking.percolator([tree, parse({"not": {"any": pairs}})])
    lists: Profile = dict.fromkeys(("keywords", "domains"), ())
    people: list[Profile] = [
        {"followers": followers, "hashtags": [f"tag{tag}"], "search_text": "", **lists}
        for followers in (None, 0, 3, 9)
        for tag in (0, 2, 3, 99)
    ]
    wheres = [compile_where(tree), compile_where(normalise(parse({"not": {"any": pairs}})))]
    rows = asking.rows(percolator, wheres, people)
    assert {row["answers"][0] for row in rows} == {True, False, None}
    for row in rows:
        check(percolator, row, row["answers"])


def test_nobody_matches_no_campaigns() -> None:
    assert Percolator([], {}).match({}, datetime.min) == []
