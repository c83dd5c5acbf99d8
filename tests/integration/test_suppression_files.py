"""Files of suppressions: read as they come, bad lines told, and sent again without harm."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from omni.leads import suppressions_store as suppressions
from omni.storage.db import Database
from tests.api_fixtures import Served, problem, served
from tests.dispatch_fixtures import ready, rows, states

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
async def api(db: Database) -> AsyncGenerator[Served]:
    async with served(db) as running:
        yield running


async def send(api: Served, content: Any, **query: str) -> dict[str, Any]:
    answer = await api.http.post("/suppressions/file", content=content, headers=CSV, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_suppresses_whom_it_names_and_tells_the_lines_it_cannot_read(
    api: Served,
) -> None:
    await ready(api.db, 3)
    text = (
        "\ufeffplatform,handle,domain,reason\r\n"
        'synthetic,p1,,"asked, twice"\r\n'
        "synthetic,@Someone.Example,,\r\n"
        ",,example.org,a competitor\r\n"
        ",,org,\r\n"
        ",p2,,\r\n"
        "\r\n"
        "*,*,,\r\n"
        "synthetic," + "x" * 5_000 + ",,\r\n"
        "synthetic,p1,,again"
    )
    done = await send(api, text.encode())
    assert (done["lines"], done["added"], done["known"], done["bad"]) == (10, 3, 1, 4)
    assert [each["line"] for each in done["problems"]] == [5, 6, 8, 9]
    assert done["cancelled_messages"] == 1
    assert await states(api.db) == {"cancelled": 1, "approved": 2}
    found = {s.platform_id: s for s in await suppressions.list_suppressions(api.db, limit=9)}
    assert set(found) == {"p1", "someone.example", "example.org"}
    assert (found["p1"].reason, found["p1"].source) == ("asked, twice", "file")
    again = await send(api, text.encode())
    assert (again["added"], again["known"]) == (0, 4)


async def test_a_list_of_words_is_of_domains_or_of_one_platforms_people(api: Served) -> None:
    done = await send(api, b"# ours\nexample.org\nann@example.net\nnonsense\n")
    assert (done["added"], done["bad"]) == (1, 2), "all of example.net is not meant"
    done = await send(api, b"name,email\nAnn,ann@example.net\n")
    assert (done["added"], done["bad"]) == (0, 1)
    done = await send(api, b"syn:1\nsyn:2\n", platform="synthetic")
    assert done["added"] == 2
    refused = await api.http.post(
        "/suppressions/file", content=b"a", headers=CSV, params={"platform": "nowhere"}
    )
    problem(refused, 422)


async def test_a_file_cannot_stop_everything(api: Served) -> None:
    done = await send(api, b"scope,platform,id\nall,,\nplatform,synthetic,\nperson,synthetic,p1\n")
    assert (done["added"], done["bad"]) == (1, 2)


async def test_a_file_of_many_lines_can_be_sent_again(api: Served) -> None:
    lines = [b"platform,id\n", *(b"synthetic,p%d\n" % n for n in range(20_000))]
    first = await send(api, b"".join(lines[:12_000]))
    whole = await send(api, b"".join(lines))
    assert (first["added"], whole["added"], whole["known"]) == (11_999, 8_001, 11_999)
    (count,) = await rows(api.db, "select count(*) as n from suppressions")
    assert count["n"] == 20_000


async def test_scopes_and_lifting_over_http(api: Served) -> None:
    made = await api.client.suppress(scope="domain", domain="example.org", reason="a competitor")
    assert (made.platform, made.platform_id, made.added) == ("*", "example.org", True)
    await api.client.suppress(scope="all", reason="holidays")
    await api.client.suppress(platform="bluesky", platform_id="did:plc:1")
    wide = (await api.client.list_suppressions(wide=True)).items
    assert [each.scope for each in wide] == ["all", "domain"]
    assert len((await api.client.list_suppressions()).items) == 3
    lifted = await api.client.lift_suppression(wide[0].id, "holidays are over")
    assert (lifted.platform, lifted.lifted_because) == ("*", "holidays are over")
    assert [each.scope for each in (await api.client.list_suppressions(wide=True)).items] == [
        "domain"
    ]
    problem(await api.http.post(f"/suppressions/{wide[0].id}/lift", json={"because": "x"}), 404)
    problem(await api.http.post(f"/suppressions/{wide[1].id}/lift", json={}), 422)
    problem(await api.http.post("/suppressions", json={"scope": "domain"}), 422)
    problem(await api.http.post("/suppressions", json={"platform": "bluesky"}), 422)


async def test_an_empty_file_is_no_success(api: Served) -> None:
    answer = await api.http.post("/suppressions/file", content=b"", headers=CSV)
    assert "the file is empty" in problem(answer, 422)["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "all", "domain": "example.org"}, "domain"),
        ({"scope": "all", "platform": "bluesky", "platform_id": "did:plc:1"}, "platform"),
        ({"scope": "platform", "platform": "bluesky", "platform_id": "did:plc:1"}, "platform_id"),
        ({"scope": "domain", "domain": "example.org", "platform": "bluesky"}, "platform"),
    ],
)
async def test_more_is_not_suppressed_than_was_named(
    api: Served, body: dict[str, str], field: str
) -> None:
    """Whoever names somebody and forgets the scope's meaning did not mean everybody."""
    assert problem(await api.http.post("/suppressions", json=body), 422)["field"] == field
    assert (await api.client.list_suppressions()).items == []


async def test_a_search_finds_by_how_a_name_begins_page_by_page(api: Served) -> None:
    await send(api, b"".join(b"ann%d\n" % n for n in range(5)), platform="synthetic")
    await send(api, b"annex.example\nbob.example\n")
    await api.client.suppress(platform="bluesky", platform_id="did:plc:ann")
    found: list[str] = []
    cursor = None
    while True:
        page = await api.client.list_suppressions(search="@ANN", limit=2, cursor=cursor)
        found += [each.platform_id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ["ann0", "ann1", "ann2", "ann3", "ann4", "annex.example"]
    assert not (await api.client.list_suppressions(search="nn")).items
    assert len((await api.client.list_suppressions(search="did:plc:a")).items) == 1
    for query in ({"search": "a", "wide": "true"}, {"search": "a", "cursor": "x"}):
        problem(await api.http.get("/suppressions", params=query), 422)


async def test_a_wide_suppression_says_what_it_would_hold(api: Served) -> None:
    await ready(api.db, 3)
    await ready(api.db, 2, platform="mastodon")
    await rows(
        api.db,
        "update messages set platform_id = 'https://shop.example/users/' || id"
        " where platform = 'mastodon' returning id",
    )
    counted = {
        (await api.client.concerned_by("all")).messages,
        (await api.client.concerned_by("platform", platform="synthetic")).messages * 10,
        (await api.client.concerned_by("domain", domain="shop.example")).messages * 100,
    }
    assert counted == {5, 30, 200}
    assert not (await api.client.concerned_by("domain", domain="shop.test")).more
    problem(await api.http.get("/suppressions/concerned", params={"scope": "person"}), 422)
    problem(await api.http.get("/suppressions/concerned", params={"scope": "domain"}), 422)


async def test_lifting_somebody_lifts_them_in_any_case(api: Served) -> None:
    for name in ("did:plc:ANN", "did:plc:ann2"):
        await api.client.suppress(platform="bluesky", platform_id=name)
    stands = (await api.client.list_suppressions(search="did:plc:ann")).items[0]
    await api.client.lift_suppression(stands.id, "a mistake")
    assert [each.platform_id for each in (await api.client.list_suppressions()).items] == [
        "did:plc:ann2"
    ]
    for name in ("did:plc:ANN", "did:plc:ann"):
        assert not await suppressions.is_suppressed(
            api.db, platform="bluesky", platform_id=name, username=None
        )


async def test_a_file_counts_people_and_not_their_spellings(api: Served) -> None:
    lines = "https://far.example/@Ann\nhttps://bsky.app/profile/bob.example\nmünchen.example\n"
    for added, known in ((3, 0), (0, 3)):
        told = await send(api, lines.encode())
        assert (told["added"], told["known"], told["bad"]) == (added, known, 0)
    found = (await api.client.list_suppressions()).items
    assert {each.platform_id for each in found} == {
        "Ann@far.example", "bob.example", "xn--mnchen-3ya.example",
    }  # fmt: skip


async def test_a_link_that_is_suppressed_cancels_what_waits(api: Served) -> None:
    campaign_id = await api.campaign_id()
    await api.rows(
        "insert into messages (campaign_id, platform, platform_id, username, body, body_hash)"
        " values (:campaign_id, 'bluesky', 'did:plc:abc', 'ann', 'hi', 'h') returning id",
        campaign_id=campaign_id,
    )
    done = await api.client.suppress(platform_id="https://bsky.app/profile/did:plc:abc")
    assert (done.platform, done.platform_id, done.cancelled_messages) == (
        "bluesky", "did:plc:abc", 1,
    )  # fmt: skip
    told = problem(
        await api.http.post("/suppressions", json={"platform": "bluesky", "platform_id": "ann"}),
        422,
    )
    assert "enter a handle such as" in told["detail"]
    elsewhere = {"platform_id": "https://far.example/@ann"}
    assert "platform" in problem(await api.http.post("/suppressions", json=elsewhere), 422)["field"]
