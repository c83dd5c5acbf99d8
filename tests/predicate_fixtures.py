"""Generated criteria and profiles, and a naive evaluator of their own, for property tests.

The evaluator reads the JSON that a user would send and knows nothing of the compiler: it is slow,
simple, and written from the definition of the language alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import normalize

from hypothesis import strategies as st

from omni.profiles.types import FEATURES

Json = dict[str, Any]
Profile = dict[str, Any]

WORDS = ("solar", "wind", "energy", "berlin", "coffee", "x1")
EXAMPLES = 3_000 if os.environ.get("OMNI_TEST_LONG") else 400
"""How many cases each property is held against."""

_WORDED = ("text", "enumeration")
KINDS = {field.name: field.kind for field in FEATURES}
_TEXTS = st.one_of(
    st.sampled_from(["", "Solar energy", "wind", "WIND solar", "Köln", "köln", "KÖLN", "İ", "ß"]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
    st.sampled_from(["'; drop table profiles_raw; --", "%", ":c_0", "{field}", "\\", "a\nb", "🙂"]),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8),
)
_COUNTS = st.one_of(
    st.integers(0, 5), st.sampled_from([-1, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)])
)
_RATES = st.one_of(
    st.integers(0, 5).map(float),
    st.sampled_from([0.5, -0.0, 5e-324, 1.7e308, -1.7e308, 2.0**53, 0.1 + 0.2]),
    st.floats(allow_nan=False, allow_infinity=False),
)
_MOMENTS = st.one_of(
    st.sampled_from([datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 12, 30, tzinfo=UTC)]),
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),
)
_TAGS = st.lists(st.sampled_from(["solar", "wind", "köln", "", "a b", "null", "#x"]), max_size=4)
_INTEGERS = ("followers", "follows", "posts")


def cases() -> st.SearchStrategy[tuple[Json, list[Profile]]]:
    """Generate criteria, and profiles that vary in the features that the criteria ask about."""
    return documents().flatmap(
        lambda document: st.tuples(
            st.just(document), st.lists(profiles(_fields(document)), min_size=1, max_size=6)
        )
    )


def profiles(fields: frozenset[str]) -> st.SearchStrategy[Profile]:
    """Generate rows of `profile_features`, with NULLs, unicode and extremes in these fields."""
    columns: dict[str, st.SearchStrategy[Any]] = {}
    for name, kind in KINDS.items():
        if name not in fields:
            columns[name] = st.just([] if kind == "array" else None)
            continue
        column: st.SearchStrategy[Any] = {
            "text": _TEXTS,
            "enumeration": _TEXTS,
            "number": _COUNTS if name in _INTEGERS else _RATES,
            "date": _MOMENTS,
            "boolean": st.booleans(),
            "array": _TAGS,
        }[kind]
        columns[name] = column if kind == "array" else st.none() | column
    columns["search_text"] = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
    return st.fixed_dictionaries(columns)


def documents(max_leaves: int = 8) -> st.SearchStrategy[Json]:
    """Generate criteria as a user might send them."""
    return st.recursive(clauses(), _groups, max_leaves=max_leaves).filter(_is_shallow)


def clauses() -> st.SearchStrategy[Json]:
    """Generate one clause of any field and any operator that fits it."""
    by_field = [_clauses_of(name, kind) for name, kind in KINDS.items()]
    return st.one_of(*by_field, _clause(st.just("text"), st.just("matches"), _queries()))


def spellings(document: Json) -> st.SearchStrategy[Json]:
    """Generate other ways to write the same criteria."""
    if "field" in document:
        return _respelled(document)
    if "not" in document:
        return spellings(document["not"]).map(lambda part: {"not": part})
    head, parts = next(iter(document.items()))
    return st.tuples(*map(spellings, parts)).flatmap(
        lambda them: st.one_of(
            st.permutations(them).map(lambda p: {head: list(p)}),
            st.permutations(them).map(lambda p: {head: [*p, p[0]]}),
            st.permutations(them).map(lambda p: {head: [{head: [p[0]]}, *p]}),
            st.just({"not": {_DUAL[head]: [{"not": part} for part in them]}}),
        )
    )


_DUAL = {"all": "any", "any": "all"}


def _fields(document: Json) -> frozenset[str]:
    if "field" in document:
        return frozenset({document["field"]})
    inner = next(iter(document.values()))
    parts: list[Json] = [inner] if "not" in document else inner
    return frozenset[str]().union(*map(_fields, parts))


def _groups(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    parts = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        parts.map(lambda p: {"all": p}),
        parts.map(lambda p: {"any": p}),
        inner.map(lambda p: {"not": p}),
    )


def _is_shallow(document: Json) -> bool:
    return _depth(document) <= 4


def _depth(document: Json) -> int:
    if "field" in document:
        return 0
    inner = next(iter(document.values()))
    parts: list[Json] = [inner] if "not" in document else inner
    return 1 + max(map(_depth, parts))


def _clauses_of(name: str, kind: str) -> st.SearchStrategy[Json]:
    field = st.just(name)
    exists = _clause(field, st.just("exists"), st.booleans())
    if kind == "boolean":
        return exists | _clause(field, st.sampled_from(["=", "!="]), st.booleans())
    if kind == "array":
        values = st.lists(_tags(), min_size=1, max_size=3)
        return exists | _clause(field, st.sampled_from(["contains any", "contains all"]), values)
    if kind == "enumeration":
        value = _TEXTS.filter(lambda t: bool(t.strip()))
        return st.one_of(
            exists,
            _clause(field, st.sampled_from(["=", "!="]), value),
            _clause(field, st.sampled_from(["in", "not in"]), _several(value)),
        )
    if kind == "text":
        value = _TEXTS.filter(lambda t: bool(t.strip()))
        return st.one_of(
            exists,
            _clause(field, st.sampled_from(["=", "!=", "starts with"]), value),
            _clause(field, st.sampled_from(["in", "not in"]), _several(value)),
            _clause(field, st.just("matches"), _queries()),
            _clause(field, st.just("similar to"), _queries()),
        )
    return exists | _ordered(field, _numbers() if kind == "number" else _dates(), kind)


def _ordered(
    field: st.SearchStrategy[str], value: st.SearchStrategy[Any], kind: str
) -> st.SearchStrategy[Json]:
    moving = value | _ages() if kind == "date" else value
    pairs = st.lists(value, min_size=2, max_size=2).map(sorted)
    if kind == "date":
        pairs |= st.tuples(st.just("90 days ago"), st.just("1 week ago")).map(list)
    return st.one_of(
        _clause(field, st.sampled_from(["=", "!="]), value),
        _clause(field, st.sampled_from(["<", "<=", ">", ">="]), moving),
        _clause(field, st.just("between"), pairs),
        _clause(field, st.sampled_from(["in", "not in"]), _several(value)),
    )


def _several(value: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(value, min_size=1, max_size=3)


def _clause(
    field: st.SearchStrategy[str], op: st.SearchStrategy[str], value: st.SearchStrategy[Any]
) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"field": field, "op": op, "value": value})


def _numbers() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.integers(0, 5),
        st.sampled_from([2**53 - 1, -(2**53) + 1, 0.5, 2.5, -0.0, 5e-324]),
        st.floats(-(2**53) + 1, 2**53 - 1),
    )


def _dates() -> st.SearchStrategy[str]:
    return _MOMENTS.map(lambda at: at.isoformat())


def _ages() -> st.SearchStrategy[str]:
    return st.sampled_from(["36 hours ago", "1 day ago", "2 weeks ago", "3 months ago"])


def _tags() -> st.SearchStrategy[str]:
    return st.sampled_from(["solar", "Wind", "KÖLN", "köln", "a b", "null"])


def _queries() -> st.SearchStrategy[str]:
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join)
    return st.one_of(words, words.map(str.upper), words.map(lambda w: f"-{w}"))


def _respelled(clause: Json) -> st.SearchStrategy[Json]:
    op: str = clause["op"]
    value = clause["value"]
    kind = KINDS.get(clause["field"], "text")
    same: list[Json] = [
        clause,
        {"not": {"not": clause}},
        {**clause, "op": op.upper().replace(" ", "_")},
    ]
    if isinstance(value, int) and not isinstance(value, bool):
        same.append({**clause, "value": float(value)})
    if isinstance(value, str) and op in ("=", "!=", "starts with") and kind in _WORDED:
        same.append({**clause, "value": "".join(c.upper() if c.isascii() else c for c in value)})
    if isinstance(value, str):
        same.append({**clause, "value": normalize("NFD", value)})
    if op in ("=", "!=") and kind != "boolean":
        same.append({**clause, "op": "in" if op == "=" else "not in", "value": [value, value]})
    if op in ("in", "not in"):
        head, one = ("any", "=") if op == "in" else ("all", "!=")
        same.append({head: [{**clause, "op": one, "value": v} for v in reversed(clause["value"])]})
    if op == "between":
        low, high = clause["value"]
        bounds = [{**clause, "op": "<=", "value": high}, {**clause, "op": ">=", "value": low}]
        same.append({"all": bounds})
    if op.startswith("contains"):
        head = "any" if op == "contains any" else "all"
        same.append({head: [{**clause, "value": [v]} for v in reversed(clause["value"])]})
    if kind == "boolean":
        opposite = {"=": "!=", "!=": "=", "exists": "exists"}[op]
        same.append({"not": {**clause, "op": op, "value": not value}})
        same.append({**clause, "op": opposite, "value": value if op == "exists" else not value})
    return st.sampled_from(same)


def evaluate(document: Json, profile: Mapping[str, Any], now: datetime) -> bool | None:
    """Evaluate criteria naively: True, False, or None where an unknown feature leaves it open."""
    if "not" in document:
        inner = evaluate(document["not"], profile, now)
        return None if inner is None else not inner
    if "field" in document:
        return _holds(document, profile, now)
    head, parts = next(iter(document.items()))
    answers = [evaluate(part, profile, now) for part in parts]
    decisive = head == "any"
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def _holds(clause: Json, profile: Mapping[str, Any], now: datetime) -> bool | None:
    name, op = clause["field"], clause["op"]
    wanted: Any = clause["value"]
    if name == "text":
        return _matches(profile["search_text"], wanted)
    kind, value = KINDS[name], profile[name]
    if op == "exists":
        return (bool(value) if kind == "array" else value is not None) == wanted
    if value is None:
        return None
    if kind == "array":
        found = [tag.lower() in value for tag in wanted]
        return any(found) if op == "contains any" else all(found)
    if op == "matches":
        return _matches(value, wanted)
    if op == "similar to":
        return _similarity(value, wanted) >= 0.3
    if op in ("in", "not in", "between"):
        return _compares(op, _read(value, kind, now), [_wanted(w, kind, now) for w in wanted])
    return _compares(op, _read(value, kind, now), _wanted(wanted, kind, now))


def _wanted(value: Any, kind: str, now: datetime) -> Any:
    return _read(normalize("NFC", value) if kind in _WORDED else value, kind, now)


def _read(value: Any, kind: str, now: datetime) -> Any:
    if kind in _WORDED:
        return _fold(value)
    return _at(value, now) if kind == "date" else value


def _compares(op: str, value: Any, wanted: Any) -> bool:
    match op:
        case "=":
            return value == wanted
        case "!=":
            return value != wanted
        case "<":
            return value < wanted
        case "<=":
            return value <= wanted
        case ">":
            return value > wanted
        case ">=":
            return value >= wanted
        case "between":
            return wanted[0] <= value <= wanted[1]
        case "in":
            return any(value == w for w in wanted)
        case "not in":
            return all(value != w for w in wanted)
        case "starts with":
            return value.startswith(wanted)
        case _:
            raise AssertionError(op)


def _fold(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _at(value: str | datetime, now: datetime) -> datetime:
    if isinstance(value, datetime):
        return value
    if not value.endswith(" ago"):
        at = datetime.fromisoformat(value)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    count, unit, _ = value.split()
    hours = {"hour": 1, "day": 24, "week": 168, "month": 720}[unit.rstrip("s")]
    return now - timedelta(hours=int(count) * hours)


def _matches(text: str, query: str) -> bool:
    """Words of the generated queries: all must be there, but one after `-` must not."""
    have = set(_words(text))
    return all((w.lstrip("-") in have) is not w.startswith("-") for w in query.lower().split())


def _similarity(text: str, query: str) -> float:
    left, right = _trigrams(text), _trigrams(query)
    return len(left & right) / len(left | right) if left and right else 0.0


def _trigrams(text: str) -> set[str]:
    padded = [f"  {word} " for word in _words(text)]
    return {word[i : i + 3] for word in padded for i in range(len(word) - 2)}


def _words(text: str) -> list[str]:
    return "".join(c.lower() if c.isalnum() else " " for c in text).split()
