"""The web source against a real nginx: what a site asks, what a hostile page tries."""

from __future__ import annotations

import gzip
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from pathlib import Path

import pytest

from omni.base.clock import utc_now
from omni.base.errors import Rejected, Transient
from omni.connectors.http import HttpClient, RetryPolicy
from omni.connectors.types import Seed
from omni.connectors.web import robots
from omni.connectors.web import source as source_module
from omni.connectors.web.source import WebSource
from omni.storage.db import Database
from omni.storage.pages import Pages
from tests.synthetic_fixtures import quick_client
from tests.web_fixtures import (
    ALIAS_PERSON,
    HIDDEN_PERSON,
    PEOPLE,
    Site,
    page,
    running_site,
    urlset,
)


@pytest.fixture
def site(tmp_path: Path) -> Generator[Site]:
    with running_site(tmp_path / "web") as made:
        yield made


@pytest.fixture
async def http() -> AsyncGenerator[HttpClient]:
    async with quick_client() as client:
        yield client


async def people_of(source: WebSource, kind: str, value: str) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        part = await source.expand(Seed("web", kind, value), cursor)
        found += part.platform_ids
        cursor = part.cursor
        if cursor is None:
            return found


async def test_a_page_leads_to_those_it_links_to_on_its_own_site(
    site: Site, http: HttpClient
) -> None:
    source = WebSource(http, "Omni/test")
    found = await people_of(source, "page", f"{site.url}/team.html")
    assert sorted(found) == sorted(site.person(n) for n in range(PEOPLE))
    profiles = await source.fetch([site.person(HIDDEN_PERSON), site.person(1)])
    assert {p.platform_id: p.discoverable for p in profiles} == {
        site.person(HIDDEN_PERSON): False,
        site.person(1): True,
    }


async def test_two_addresses_of_one_page_are_one_person(site: Site, http: HttpClient) -> None:
    source = WebSource(http, "Omni/test")
    for path in (
        "alias.html",
        f"moved/p{ALIAS_PERSON}.html",
        f"people/./p{ALIAS_PERSON}.html?utm_source=x#top",
    ):
        found = await source.expand(Seed("web", "page", f"{site.url}/{path}"), None)
        assert found.platform_ids == (site.person(ALIAS_PERSON),)
    assert await source.fetch([f"{site.url}/alias.html"]) == []


async def test_what_the_site_forbids_is_not_read(site: Site, http: HttpClient) -> None:
    source = WebSource(http, "Omni/test")
    with pytest.raises(Rejected, match="robots"):
        await source.expand(Seed("web", "page", f"{site.url}/secret/p.html"), None)
    assert site.answers(200, "/secret/") == 0
    (tagged,) = await source.fetch([f"{site.url}/tagged/p.html"])
    assert not tagged.discoverable


@pytest.mark.parametrize(
    ("text", "token", "allowed"),
    [
        ("User-agent: *\nDisallow: /", "Omni", False),
        ("User-agent: omni\nDisallow: /people/\n\nUser-agent: *\nAllow: /", "Omni", False),
        ("User-agent: other\nDisallow: /", "Omni", True),
        ("\ufeffUser-agent: *\nDisallow: /people/*1.html$", "Omni", False),
        ("# nothing\n" * 60_000 + "User-agent: *\nDisallow: /", "Omni", True),
        ("<html>not rules</html>", "Omni", True),
    ],
    ids=["all", "named", "others", "pattern", "behind the bound", "no rules"],
)
async def test_rules_are_read_as_they_are_meant(
    site: Site, http: HttpClient, text: str, token: str, allowed: bool
) -> None:
    site.write("robots.txt", text)
    found = await WebSource(http, f"{token}/1").fetch([site.person(1)])
    assert bool(found) is allowed


async def test_a_site_without_rules_may_be_read(site: Site, http: HttpClient) -> None:
    (site.folder / "robots.txt").unlink()
    assert await WebSource(http, "Omni/test").fetch([site.person(1)])


async def test_a_delay_is_kept_and_one_without_end_is_told(site: Site, http: HttpClient) -> None:
    now = 0.0
    site.write("robots.txt", "User-agent: *\nCrawl-delay: 0.2\n")
    source = WebSource(http, "Omni/test", clock=lambda: now)
    assert len(await source.fetch([site.person(n) for n in range(3)])) == 3
    site.write("robots.txt", "User-agent: *\nCrawl-delay: 3600\n")
    with pytest.raises(Transient, match="3600 s between requests"):
        await people_of(WebSource(http, "Omni/test"), "page", f"{site.url}/team.html")


async def test_a_delay_costs_pages_time_and_not_their_people(
    site: Site, http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "MAX_WAIT_S", 0.3)
    site.write("robots.txt", "User-agent: *\nCrawl-delay: 0.1\n")
    wanted = [site.person(n) for n in range(8)]
    site.write("some.xml", urlset(wanted))
    source = WebSource(http, "Omni/test")
    assert await people_of(source, "sitemap", f"{site.url}/some.xml") == wanted


async def test_a_site_whose_rules_fail_is_not_read_at_all(site: Site, http: HttpClient) -> None:
    site.down("robots")
    with pytest.raises(Transient, match=r"robots\.txt"):
        await WebSource(http, "Omni/test").fetch([site.person(1)])
    assert site.answers(503, "/robots.txt") >= 1
    assert site.answers(200) == 0


async def test_nobody_counts_as_gone_because_a_page_fails(
    site: Site, http: HttpClient, db: Database
) -> None:
    site.write("shaky/p.html", page(site, 2))
    wanted = [f"{site.url}/shaky/p.html", site.person(1)]
    source = WebSource(http, "Omni/test")
    source.use_memory(Pages(db, utc_now))
    first = await source.fetch(wanted)
    assert len(first) == 2
    site.down("shaky")
    assert await source.fetch(wanted) == first
    with pytest.raises(Transient):
        await WebSource(http, "Omni/test").fetch(wanted)


async def test_a_redirect_to_another_site_is_asked_for_as_a_page_of_that_site(
    site: Site, http: HttpClient, tmp_path: Path
) -> None:
    with running_site(tmp_path / "other") as other:
        away = f"{site.url}/away/{other.url.rpartition(':')[2]}"
        source = WebSource(http, "Omni/test")
        found = await source.expand(Seed("web", "page", f"{away}/people/p1.html"), None)
        assert found.platform_ids == (other.person(1),)
        assert await source.fetch([f"{away}/people/p1.html"]) == []
        site.write("team.html", f'<a href="{away}/secret/p.html">s</a><a href="/people/p1.html">')
        assert await people_of(source, "page", f"{site.url}/team.html") == [site.person(1)]
        with pytest.raises(Rejected, match="robots"):
            await source.expand(Seed("web", "page", f"{away}/secret/p.html"), None)
        assert other.answers(200, "/secret/") == 0


async def test_a_link_to_where_nothing_may_be_asked_costs_nobody_else(site: Site) -> None:
    site.write("team.html", '<a href="/away/9/x.html">s</a><a href="/people/p1.html">')
    async with HttpClient(user_agent="Omni/test", loopback={site.url}) as http:
        source = WebSource(http, "Omni/test")
        assert await people_of(source, "page", f"{site.url}/team.html") == [site.person(1)]


async def test_a_page_cannot_pass_for_one_of_another_site(site: Site, http: HttpClient) -> None:
    far = '<link rel="canonical" href="https://elsewhere.example/famous">'
    site.write("people/p2.html", page(site, 2).replace("<head>", f"<head>{far}"))
    (found,) = await WebSource(http, "Omni/test").fetch([site.person(2)])
    assert found.platform_id == site.person(2)


async def test_a_second_look_asks_only_for_what_has_changed(
    site: Site, http: HttpClient, db: Database
) -> None:
    def source() -> WebSource:
        made = WebSource(http, "Omni/test")
        made.use_memory(Pages(db, utc_now))
        return made

    first = await source().fetch([site.person(n) for n in range(4)])
    assert await source().fetch([site.person(n) for n in range(4)]) == first
    assert (site.answers(200), site.answers(304)) == (4, 4)
    site.write("people/p1.html", page(site, 1).replace("glaciers", "rivers"))
    (changed,) = await source().fetch([site.person(1)])
    assert "rivers" in (changed.bio or "")


async def test_a_site_that_answers_429_is_given_the_time_it_asks_for(site: Site) -> None:
    for number in range(6):
        site.write(f"limited/p{number}.html", page(site, number))
    policy = RetryPolicy(tries=10)
    async with HttpClient(user_agent="Omni/test", loopback={site.url}, policy=policy) as http:
        urls = [f"{site.url}/limited/p{number}.html" for number in range(6)]
        assert len(await WebSource(http, "Omni/test").fetch(urls)) == 6
    assert site.answers(429, "/limited/") >= 1


HOSTILE = {
    "deep": "<div>" * 200_000 + "x",
    "cards": '<div class="h-card">' * 20_000,
    "attributes": f"<a {'x ' * 300_000}>",
    "json": '<script type="application/ld+json">' + "[" * 100_000 + "</script>",
    "entities": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><html>&a;</html>',
    "nothing": "",
    "zeros": "\x00" * 10_000,
    "types": '<script type="application/ld+json">{"@type":["Person",5],"name":{"a":1},"image":[[]],'
    '"sameAs":5,"interactionStatistic":[1,{"interactionType":[]}]}</script>',
    "links": '<link rel="me" href="http://[">' + '<a rel="me" href="javascript:x">' * 100,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_a_hostile_page_does_no_harm(site: Site, http: HttpClient, name: str) -> None:
    site.write("people/p1.html", HOSTILE[name])
    found = await WebSource(http, "Omni/test").fetch([site.person(1), site.person(2)])
    assert site.person(2) in {profile.platform_id for profile in found}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
async def test_a_page_in_another_encoding_than_it_says(
    site: Site, http: HttpClient, encoding: str
) -> None:
    text = page(site, 0).replace('charset="utf-8"', 'charset="nonsense"')
    site.write("people/p0.html", text.encode(encoding))
    (found,) = await WebSource(http, "Omni/test").fetch([site.person(0)])
    assert (found.bio or "").endswith("Zoë")


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE l [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><urlset>&b;</urlset>',
        '<?xml version="1.0"?><!DOCTYPE l SYSTEM "file:///etc/passwd"><urlset/>',
        gzip.compress(b"0" * 60_000_000),
        "no sitemap",
        "<urlset><url><loc>http://elsewhere.example/p</loc></url></urlset>",
    ],
    ids=["bomb", "dtd", "gzip", "text", "elsewhere"],
)
async def test_a_hostile_sitemap_leads_nowhere(
    site: Site, http: HttpClient, content: str | bytes
) -> None:
    site.write("evil.xml", content)
    found: list[str] = []
    with suppress(Rejected):
        found = await people_of(WebSource(http, "Omni/test"), "sitemap", f"{site.url}/evil.xml")
    assert found == []


async def test_indexes_that_list_each_other_end(
    site: Site, http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "MAX_MAPS", 5)

    def index(*names: str) -> str:
        listed = "".join(f"<sitemap><loc>{site.url}/{n}</loc></sitemap>" for n in names)
        return f"<sitemapindex>{listed}</sitemapindex>"

    site.write("a.xml", index("a.xml", "b.xml", "p.xml"))
    site.write("b.xml", index("a.xml", "b.xml"))
    site.write("p.xml", urlset([site.person(3)]))
    source = WebSource(http, "Omni/test")
    assert await people_of(source, "sitemap", f"{site.url}/a.xml") == [site.person(3)]
    site.write("many.xml", index(*(f"gone-{n}.xml" for n in range(1_000))))
    assert await people_of(source, "sitemap", f"{site.url}/many.xml") == []
    assert site.answers(404, "/gone-") == 5


async def test_a_plain_list_of_addresses_is_a_sitemap(site: Site, http: HttpClient) -> None:
    site.write("list.txt", f"{site.person(1)}\n{site.person(2)}\n")
    source = WebSource(http, "Omni/test")
    assert await people_of(source, "sitemap", f"{site.url}/list.txt") == [
        site.person(1),
        site.person(2),
    ]
    site.write("one.xml", urlset([site.person(3)]))
    assert await people_of(source, "sitemap", f"{site.url}/one.xml") == [site.person(3)]
