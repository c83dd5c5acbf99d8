"""The judge without a model: what it finds, what it quotes, and whom it does not believe."""

from __future__ import annotations

from typing import Any

import pytest

from omni.llm.rules import find_wishes, judge_facts
from omni.llm.words import quote, stem, telling_words

BRIEF = "Looking for landscape photographers who shoot on film, not wedding studios."


def facts(brief: str = BRIEF, criteria: Any = None, **profile: Any) -> dict[str, Any]:
    return {"brief": brief, "criteria": criteria or {"all": []}, "profile": profile}


@pytest.mark.parametrize(
    "family",
    [
        ("photographer", "photographers", "photography", "photographs"),
        ("climb", "climbs", "climber", "climbers", "climbing"),
        ("run", "runs", "running", "runner", "runners"),
        ("bake", "baker", "bakers", "bakery", "baking"),
        ("city", "cities"),
        ("musician", "musicians"),
    ],
)
def test_inflections_share_a_stem(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1


def test_a_brief_is_read_without_filler_and_without_what_it_rules_out() -> None:
    assert telling_words(BRIEF, 20) == ["landscape", "photographers", "shoot", "film"]


def test_more_of_the_brief_in_the_bio_scores_more() -> None:
    bios = ["I cook.", "I photograph.", "Film photographer.", "Landscapes, photographed on film."]
    scores = [judge_facts(facts(bio=bio))["score"] for bio in bios]
    assert scores == sorted(scores)
    assert len(set(scores)) == 4
    assert [judge_facts(facts(bio=bio))["qualified"] for bio in bios] == [False, False, True, True]


def test_posts_weigh_less_than_the_bio() -> None:
    said = "Landscape photography on film"
    in_bio, in_post = judge_facts(facts(bio=said)), judge_facts(facts(posts=[said]))
    assert in_bio["score"] > in_post["score"] > 0


def test_reasons_quote_the_profile_letter_for_letter() -> None:
    bio = (
        "Hello! Born in Oslo. " * 5 + "LANDSCAPE photography,\nmostly on Film; " + "and tea. " * 20
    )
    verdict = judge_facts(facts(bio=bio, hashtags=["filmphotography"]))
    assert verdict["qualified"]
    assert len(verdict["reasons"]) == 3
    for reason in verdict["reasons"]:
        assert reason["evidence"] in bio
        assert reason["criterion"].startswith("brief: ")


def test_a_bot_never_qualifies_and_silence_scores_nothing() -> None:
    bot = judge_facts(facts(bio="Landscape photography on film", is_bot=True))
    assert not bot["qualified"]
    assert bot["score"] < 0.5
    silent = judge_facts(facts(username="landscape_film_photo", followers=10_000))
    assert silent["score"] == 0
    assert not silent["qualified"]


def test_criteria_speak_too_and_a_shared_word_counts_once() -> None:
    criteria = {
        "all": [
            {"field": "bio", "op": "matches", "value": "film -wedding"},
            {"field": "hashtags", "op": "contains all", "value": ["analog", "mountains"]},
            {"field": "followers", "op": ">=", "value": 10},
            {"not": {"field": "bio", "op": "matches", "value": "agency"}},
            {
                "any": [
                    {"field": "keywords", "op": "contains any", "value": ["alps", "fjord"]},
                    {"field": "display_name", "op": "similar to", "value": "wanderer"},
                ]
            },
        ]
    }
    wishes = find_wishes("Film and landscapes", criteria)
    assert [set(wish.stems) for wish in wishes] == [
        {"film"},
        {"analog"},
        {"mountain"},
        {stem("alps"), stem("fjord"), stem("wanderer")},
        {"landscap"},
    ]


def test_without_anything_to_look_for_the_criteria_have_decided() -> None:
    numeric = {"field": "followers", "op": ">=", "value": 10}
    verdict = judge_facts(facts(brief="", criteria=numeric, bio="Tea and trains."))
    assert verdict["qualified"]
    assert verdict["confidence"] <= 0.3
    assert verdict["reasons"] == [{"criterion": "criteria", "evidence": "Tea and trains."}]


@pytest.mark.parametrize("text", ["", "x" * 5_000, "a b c " * 900, "词" * 900])
def test_quotes_are_bounded_and_verbatim(text: str) -> None:
    middle = len(text) // 2
    found = quote(text, middle, min(len(text), middle + 3))
    assert len(found) <= 240
    assert found in text
