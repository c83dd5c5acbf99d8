"""The same people have the same features and hashes, whatever is done to make them quicker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random

from omni.connectors.types import RawPost, RawProfile
from omni.profiles.enrich import enrich, enrich_all
from omni.profiles.plan import Arranged, arrange
from omni.profiles.types import ENRICH_VERSION, Features

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PEOPLE = 600

SENTENCES = (
    "I turn wooden bowls and sell them at the Saturday market",
    "THE KILN IS OPEN AGAIN, COME ROUND",
    "Ich baue Möbel aus Eiche und schreibe darüber, was schiefgeht",
    "Straße, Fluß und große Bäume",
    "Je fabrique des vélos pour ceux qui n’ont pas peur de la pluie",
    "l'été dernier, j'étais là-bas",
    "Hago fotos de estaciones de tren, y de los que esperan en ellas",
    "¿Dónde está mi café, señor?", "Faço pão todos os dias antes de o sol nascer",
    "Scrivo di montagne e di chi ci abita ancora",
    "Ik teken kaarten van plekken die er niet meer zijn",
    "Jag lagar gamla radioapparater åt folk", "Piszę o lasach i o tym, co się w nich dzieje",
    "Ağaçları ve eski haritaları çok seviyorum", "Я пишу о старых поездах и новых дорогах",
    "Η θάλασσα το χειμώνα είναι όλη δική μας ΌΛΟΣ", "毎朝パンを焼いて、午後は本を読んでいます",
    "我每天早上在河边画画，下午写作", "매일 아침 빵을 굽고 책을 읽습니다",
    "मैं हर सुबह नदी के किनारे चित्र बनाता हूँ", "أكتب عن القطارات القديمة والطرق الجديدة",
    "אני כותב על רכבות ישנות", "ok", "x y z", "lol lol lol", "1234567890 %$ 12,5",
    "İSTANBUL ILIK", "I am a bot, run by nobody", "not a bot", "I build bots",
    "automated account", "我是机器人账号",
)  # fmt: skip
PIECES = (
    "#ceramics", "#Solar_Power", "#ceramics", "＃陶芸", "x#no", "&#39;", "#123", "##twice",
    "#a-b", "@who", "@who.example.org", "mail me: a@b.example", "https://blog.example/a?b=c#d).",
    "hthttp://a.b", "HTTP://Loud.Example/", "www.pots.example,", "Www.x.example",
    "xwww.no.example", "https://", "http://[::1]/x", "https://user:pw@h.example/",
    "ftp://no.example", "see:https://a.example\"www.b.example",
    "https://web.example/https://inner.example/x", "🤖", "🇵🇹", "🇩🇪🇫🇷", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👩‍👩‍👧",
    "❤️", "e\u0301\u0323", "Berlin, Germany", "London, Ontario", "in New York City",
    "Sankt-Peterburg", "St. John's", "Köln", "Based in Cork", "Lisbon", "between Paris and Lyon",
    "東京", "they/them", "state-of-the-art", "don't", "o’clock", "- dash -", "'quoted'", "…",
    "A.B.C.", "Wi-Fi", "snake_case", "ﬁne", "ß", "ŉ",
)  # fmt: skip
NAMES = (
    "Jo Kiln", "Jo | London", "Jo 🇫🇮", "kiln bot", "Jack London", "Ångström (Oslo)", "JO 🤖",
    "名前",
)  # fmt: skip

SAME = {
    "platform": "b097026dafce1fa0",
    "username": "6316c08567adbfed",
    "display_name": "c671486316828d1f",
    "bio": "f6237942bf7c7584",
    "language": "dbf3afbfaa5f25e8",
    "country": "85e2b153b9e4ccee",
    "place": "61a85d7c57de059f",
    "followers": "d6bc2ae8644a3332",
    "follows": "d143459131f21048",
    "posts": "86941a182f1ebbb8",
    "posts_per_week": "e78707dfa6968035",
    "engagement": "e1091dc78467b567",
    "account_created_at": "255334e032e70d87",
    "last_post_at": "065644e1520f35d3",
    "has_avatar": "0979ebb78538f030",
    "is_bot": "0657e2c11a119b41",
    "accepts_messages": "d843499d23f4ca0c",
    "hashtags": "22b236f1644f3f3d",
    "keywords": "341a009e4bdda6da",
    "domains": "fcd0ec7bd10270bf",
    "signals": "1f8babae688aecc8",
    "view": "b230cc211098b5e8",
    "view_hash": "6b6b264aaf1ce7d8",
    "search_text": "38ae9a5ababe966a",
    "content_hash": "78decf98a923228c",
    "payload": "797cef9d0d7885fe",
}
"""The hash of each feature over all people in `ENRICH_VERSION` 4, and of what they are told by."""


def someone(number: int) -> RawProfile:
    """Return person `number`: always the same one."""
    rng = Random(number)
    count = rng.choice((0, 0, 1, 3, 6, 6, 12))
    return RawProfile(
        platform="synthetic",
        platform_id=f"syn:{number}",
        username=rng.choice(("jo.example", "the_bot", "weather-bot", f"jo{number}")),
        display_name=rng.choice((None, *NAMES)),
        bio=rng.choice((None, "", *[_text(rng) for _ in range(9)])),
        followers=rng.choice((None, 0, 7, rng.randrange(10**6))),
        follows=rng.choice((None, 0, rng.randrange(10**4))),
        posts_count=rng.choice((None, 0, rng.randrange(10**5))),
        created_at=rng.choice((None, NOW - timedelta(days=rng.randrange(4_000)))),
        is_bot=rng.random() < 0.1,
        accepts_messages=rng.choice((None, True, False)),
        image_urls=rng.choice(((), ("https://img.example/1.png?Expires=1&sig=2",))),
        links=rng.choice(((), ("https://www.pots.example/?sig=1", f"https://x{number}.example/"))),
        posts=tuple(_post(rng) for _ in range(count)),
        extra=rng.choice(({}, {"labels": ["a", 12_345], "url": "https://x.example/?token=1"})),
    )


def _post(rng: Random) -> RawPost:
    moment = NOW + timedelta(days=3 - rng.randrange(900), seconds=rng.randrange(86_400))
    likes, reposts, replies = (rng.choice((None, 0, rng.randrange(999))) for _ in range(3))
    return RawPost(_text(rng), rng.choice((None, moment, moment)), likes, reposts, replies)


def _text(rng: Random) -> str:
    parts = rng.choices(SENTENCES, k=rng.randrange(4)) + rng.choices(PIECES, k=rng.randrange(7))
    rng.shuffle(parts)
    return rng.choice((" ", " ", "\n", ". ")).join(parts)


def hashes(people: list[Arranged], features: list[Features]) -> dict[str, str]:
    """Return a short hash of what each feature is over all people, and of what they are told by."""
    columns: dict[str, list[object]] = {
        name: [getattr(each, name) for each in features] for name in Features.__struct_fields__
    }
    columns["content_hash"] = [each.content_hash for each in people]
    columns["payload"] = [each.payload for each in people]
    return {name: sha256(repr(all_).encode()).hexdigest()[:16] for name, all_ in columns.items()}


def test_features_and_hashes_are_those_of_their_version() -> None:
    people = arrange(someone(n) for n in range(PEOPLE))
    found = hashes(people, enrich_all([each.profile for each in people], now=NOW))
    assert ENRICH_VERSION == 4, "note what the new version's features are in `SAME`"
    differing = sorted(name for name, one in found.items() if SAME.get(name) != one)
    assert not differing, (
        f"{differing} are others than stored people have: if that is meant, raise ENRICH_VERSION "
        "(for content_hash payload.VERSION) and note the new hashes in `SAME`"
    )


def test_a_person_alone_has_the_features_that_they_have_among_others() -> None:
    people = [each.profile for each in arrange(someone(n) for n in range(0, PEOPLE, 10))]
    assert enrich_all(people, now=NOW) == [enrich(each, now=NOW) for each in people]
