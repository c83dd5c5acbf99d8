"""From raw profiles to features: what is read, what is unknown, and that nothing drifts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from omni.connectors.types import RawPost, RawProfile
from omni.profiles.enrich import engagement_of, enrich, posts_per_week, two_digits
from omni.profiles.language import language_of
from omni.profiles.lasting import lasting_url
from omni.profiles.payload import tidy
from omni.profiles.places import Place, place_of
from omni.profiles.signals import Facts, signals_of
from omni.profiles.types import FEATURES, SIGNALS, Features
from omni.profiles.urls import domains_of, urls_in
from omni.profiles.words import hashtags_of, keywords_of
from tests.profiles_fixtures import NOW, raw_profile


def features_of(profile: RawProfile, now: datetime = NOW) -> Features:
    tidied = tidy(profile)
    assert tidied is not None
    return enrich(tidied, now=now)


def test_a_full_profile_is_read_in_full() -> None:
    f = features_of(raw_profile())
    assert (f.language, f.country, f.is_bot, f.has_avatar) == ("en", "PT", False, True)
    assert (f.followers, f.follows, f.posts) == (1_234, 321, 456)
    assert f.hashtags == ("ceramics", "woodfired")
    assert f.domains == ("blog.example", "pots.example")
    assert {"potter", "clay", "mugs", "kiln", "glaze"} <= set(f.keywords)
    assert not {"and", "the", "from", "https", "see"} & set(f.keywords)
    assert f.posts_per_week == 1.0
    assert f.engagement == pytest.approx((16 + 20) / 2 / 1_235, abs=1e-6)
    assert f.last_post_at == NOW - timedelta(days=1)
    assert len(f.signals) == len(SIGNALS)
    assert all(0 <= value <= 1 for value in f.signals)
    for word in ("person.1", "Person 1", "Potter", "kiln"):
        assert word in f.search_text


def test_an_empty_profile_is_unknown_in_most() -> None:
    f = features_of(RawProfile("synthetic", "syn:1", "x"))
    unknown = {name.name for name in FEATURES if getattr(f, name.name) is None}
    assert unknown == {
        "display_name", "bio", "language", "country", "place", "followers", "follows", "posts",
        "posts_per_week", "engagement", "account_created_at", "last_post_at", "accepts_messages",
    }  # fmt: skip
    assert dict(zip(SIGNALS, f.signals, strict=True)) == {
        "completeness": 0.0, "audience": 0.5, "selectivity": 0.5, "activity": 0.5,
        "engagement": 0.5, "tenure": 0.5, "reachability": 0.5, "links": 0.0,
    }  # fmt: skip


def test_the_registry_names_the_fields_of_the_row() -> None:
    assert {f.name for f in FEATURES} <= set(Features.__struct_fields__)


def test_time_passing_changes_nothing() -> None:
    assert features_of(raw_profile()) == features_of(raw_profile(), NOW + timedelta(days=4_000))


def test_posts_from_the_future_tell_nothing() -> None:
    ahead = RawPost("Look at me first", NOW + timedelta(days=30), 10**6)
    f = features_of(raw_profile(posts=(*raw_profile().posts, ahead)))
    assert f == features_of(raw_profile())
    assert features_of(raw_profile(created_at=NOW + timedelta(days=9))).account_created_at is None


def test_the_view_is_all_that_a_judge_sees() -> None:
    posts = tuple(RawPost(f"Post {n} " + "x" * 600, NOW - timedelta(days=n)) for n in range(9))
    view = features_of(raw_profile(posts=posts, links=("https://a.example/?Signature=1",))).view
    assert set(view) == {
        "platform", "username", "name", "bio", "language", "country", "is_bot", "followers",
        "follows", "posts_count", "hashtags", "posts", "links", "images",
    }  # fmt: skip
    assert [post[:6] for post in view["posts"]] == [f"Post {n}" for n in range(5)]
    assert max(map(len, view["posts"])) == 500
    assert (view["followers"], view["follows"], view["posts_count"]) == (1_200, 320, 460)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"followers": 1_249}, True),
        ({"followers": 1_251}, False),
        ({"image_urls": ("https://img.example/1.png?v=3&sig=abc",)}, True),
        ({"image_urls": ("https://img.example/2.png",)}, True),
        ({"posts": (replace(raw_profile().posts[0], likes=999), raw_profile().posts[1])}, True),
        ({"bio": "Something else."}, False),
        ({"accepts_messages": False}, True),
    ],
    ids=str,
)
def test_only_what_the_judge_sees_asks_for_a_new_verdict(
    change: dict[str, Any], same: bool
) -> None:
    one, other = features_of(raw_profile()), features_of(raw_profile(**change))
    assert (one.view_hash == other.view_hash) is same


@pytest.mark.parametrize(
    ("text", "country", "place"),
    [
        ("Potter in Lisbon", "PT", "Lisbon"),
        ("Potter in Lisbon 🇬🇧", "GB", None),
        ("🇩🇪🇫🇷 somewhere between", None, None),
        ("🇩🇪🇫🇷 now in Lyon", "FR", "Lyon"),
        ("🇩🇪🇩🇪 Köln!", "DE", "Cologne"),
        ("Moved from São Paulo to the sea", "BR", "São Paulo"),
        ("sao paulo", "BR", "São Paulo"),
        ("living in new york city", "US", "New York"),
        ("London, UK. Tea.", "GB", "London"),
        ("London, Ontario", "CA", "Ontario"),
        ("San Francisco, California", "US", "San Francisco"),
        ("Berlin, Germany", "DE", "Berlin"),
        ("Berlin and Munich", "DE", None),
        ("Between Berlin and Paris", None, None),
        ("Berlin, Paris, London", None, None),
        ("I make cork stoppers and fine china", None, None),
        ("Based in Cork", "IE", "Cork"),
        ("Talk to us about uk garage", None, None),
        ("🇽🇽 nowhere", None, None),
        ("🏴󠁧󠁢󠁳󠁣󠁴󠁿 hills", "GB", None),
        ("Wien ist schön", "AT", "Vienna"),
        ("Newcastle upon Tyne", "GB", "Newcastle upon Tyne"),
        ("住んでいるのは 東京 です", "JP", "Tokyo"),
        ("", None, None),
    ],
)
def test_places(text: str, country: str | None, place: str | None) -> None:
    assert place_of(text) == Place(country, place)


def test_a_name_is_no_place_unless_it_says_so() -> None:
    assert place_of("Writer.", "Jack London") == Place()
    assert place_of("Writer.", "Jack | London") == Place("GB", "London")
    assert place_of("Writer.", "Jack 🇫🇮") == Place("FI")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I make pots and sometimes mugs, and I write about it", "en"),
        ("Ich mache Töpfe und manchmal Becher und schreibe darüber", "de"),
        ("Je fais des pots et parfois des tasses, et j'en parle", "fr"),
        ("Hago ollas y a veces tazas, y escribo sobre ello", "es"),
        ("Faço panelas e às vezes canecas, e escrevo sobre isso", "pt"),
        ("Faccio vasi e a volte tazze, e ne scrivo spesso", "it"),
        ("Я делаю горшки и иногда кружки и пишу об этом", "ru"),
        ("Potter. Bristol.", None),
        ("🏺🏺🏺 #pottery #pottery #pottery @someone https://a.example/in/english/words", None),
        ("data data data python pandas xgboost", None),
        ("", None),
    ],
)
def test_languages(text: str, code: str | None) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    ("change", "bot"),
    [
        ({"is_bot": True}, True),
        ({"bio": "I am a bot that posts the weather."}, True),
        ({"bio": "I'm a friendly bot"}, True),
        ({"bio": "Ich bin ein Bot."}, True),
        ({"username": "weather_bot"}, True),
        ({"display_name": "News 🤖"}, True),
        ({"bio": "Automated account, run by @someone."}, True),
        ({"bio": "Je suis un bot qui publie la météo."}, True),
        ({"bio": "Cuenta automatizada de avisos"}, True),
        ({"bio": "天気を自動投稿中です"}, True),
        ({"bio": "날씨 봇입니다"}, True),
        ({"bio": "Это бот с погодой"}, True),
        ({"bio": "I'm not bot"}, False),
        ({"bio": "No soy un bot"}, False),
        ({"bio": "Não sou um bot"}, False),
        ({"bio": "Я не бот"}, False),
        ({"bio": "Ich bin kein Bot. Ich baue Bots."}, False),
        ({"bio": "I am a bot developer"}, False),
        ({"bio": "Marketing automation, and automated tests"}, False),
        ({"bio": "I hate automated posts from robots"}, False),
        ({"bio": "botanist"}, False),
        ({"bio": "I am not a bot. I build bots."}, False),
        ({"username": "abbot"}, False),
        ({"bio": "Robots and pots"}, False),
    ],
    ids=str,
)
def test_bots_say_so_themselves(change: dict[str, Any], bot: bool) -> None:
    assert features_of(raw_profile(**change)).is_bot is bot


def test_hashtags_and_keywords_come_by_frequency_then_alphabet() -> None:
    assert hashtags_of(["#Bb #aa #bb #x", "x#no &#39; #123 #Ünï_1"]) == ("bb", "aa", "ünï_1")
    found = keywords_of("Clay and kiln", ["kiln zebra @kiln.club https://x.example/zebra", "apple"])
    assert found == ("kiln", "clay", "apple", "zebra")
    assert len(keywords_of(" ".join(f"word{chr(97 + n)}" for n in range(26)), [])) == 20


def test_urls_in_texts() -> None:
    text = "See (https://A.example/x?y=1), www.b.example. or http://u@c.example:80/ javascript:x"
    assert urls_in(text) == [
        "https://a.example/x?y=1", "https://www.b.example", "http://c.example:80/",
    ]  # fmt: skip
    assert domains_of([*urls_in(text), "https://10.0.0.1/", "https://localhost/"], 9) == (
        "a.example", "b.example", "c.example",
    )  # fmt: skip
    assert lasting_url("https://a.example/?b=2&token=x&a=1") == "https://a.example/?b=2&a=1"


def test_pace_and_engagement_are_unknown_without_grounds() -> None:
    day = datetime(2025, 1, 1, tzinfo=UTC)
    assert posts_per_week([day]) is None
    assert posts_per_week([day, day]) == 7.0
    assert posts_per_week([day, day + timedelta(weeks=2)]) == 0.5
    assert engagement_of([], 10) is None
    assert engagement_of([RawPost("x", None)], 10) is None
    assert engagement_of([RawPost("x", None, 5)], None) is None
    assert engagement_of([RawPost("x", None, 5), RawPost("y", None)], 9) == 0.5


def test_counts_for_the_judge_are_rounded() -> None:
    counts = (None, 0, 99, 101, 1_249, 1_251, 123_456_789)
    assert list(map(two_digits, counts)) == [None, 0, 99, 100, 1_200, 1_300, 120_000_000]


def test_signals_rise_with_what_they_measure() -> None:
    low = Facts(
        has_name=False, bio_length=0, has_avatar=False, has_posts=True, posts_count=1,
        followers=1, follows=1_000, posts_per_week=0.1, engagement=0.0001,
        created_at=NOW - timedelta(days=9), last_post_at=NOW, accepts_messages=False, domains=0,
    )  # fmt: skip
    high = Facts(
        has_name=True, bio_length=100, has_avatar=True, has_posts=True, posts_count=999,
        followers=50_000, follows=10, posts_per_week=14, engagement=0.1,
        created_at=NOW - timedelta(days=3_000), last_post_at=NOW, accepts_messages=True, domains=3,
    )  # fmt: skip
    pairs = zip(signals_of(low), signals_of(high), strict=True)
    assert all(a < 0.3 and b > 0.7 for a, b in pairs)
    never = msgspec.structs.replace(low, posts_per_week=None, posts_count=0)
    assert signals_of(never)[SIGNALS.index("activity")] == 0.0
