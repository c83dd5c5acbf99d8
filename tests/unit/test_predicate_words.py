"""A tsquery's text is read as Postgres means it."""

from __future__ import annotations

import pytest

from omni.predicate.atoms import Atom, Every, Some, read_formula
from omni.predicate.parse import parse
from omni.predicate.words import Joined, NoneOf, Word, lexemes_of, read_words

A, B, C = Word("a"), Word("b"), Word("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("'a'", A),
        ("'a' & 'b' | 'c'", Joined("|", (Joined("&", (A, B)), C))),
        ("!'a' & 'b'", Joined("&", (NoneOf(A), B))),
        ("'a' <-> 'b' & 'c'", Joined("&", (Joined("<->", (A, B)), C))),
        ("'a' <2> 'b'", Joined("<->", (A, B))),
        ("'a' & !( 'b' <-> 'c' )", Joined("&", (A, NoneOf(Joined("<->", (B, C)))))),
        ("!( !'a' )", NoneOf(NoneOf(A))),
        ("'it''s' | 'a\\\\b'", Joined("|", (Word("it's"), Word("a\\b")))),
        ("'a & b'", Word("a & b")),
    ],
)
def test_reading(text: str, tree: object) -> None:
    assert read_words(text) == tree


@pytest.mark.parametrize("text", ["'a", "& 'a'", "'a' 'b'", "( 'a'", "'a' )", "a", "!"])
def test_what_is_no_tsquery_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="tsquery"):
        read_words(text)


def test_lexemes_of_all_parts() -> None:
    tree = read_words("'a' & !'b' | 'c' <-> 'a'")
    assert tree is not None
    assert lexemes_of(tree) == {"a", "b", "c"}


def test_a_phrase_stands_for_its_words_and_is_unsure() -> None:
    clause = parse({"field": "text", "op": "matches", "value": '"a b"'})
    read = read_formula(clause, {'"a b"': "'a' <-> 'b'"})
    words = tuple(Atom("word", "text", (word,)) for word in "ab")
    assert (read.formula, read.sure) == (Every(words), False)
    negated = read_formula(parse({"not": {"field": "bio", "op": "matches", "value": '"a b"'}}),
                           {'"a b"': "'a' <-> 'b'"})  # fmt: skip
    assert (negated.formula, negated.sure) == (Atom("known", "bio", (True,)), False)


def test_not_all_is_some_not() -> None:
    part = {"field": "followers", "op": ">", "value": 5}
    other = {"field": "country", "op": "in", "value": ["de", "at"]}
    read = read_formula(parse({"not": {"all": [part, other]}}), {})
    few = Atom("at most", "followers", (5,))
    foreign = Atom("equal", "country", ("de", "at"), negative=True)
    assert (read.formula, read.sure) == (Some((few, foreign)), True)
