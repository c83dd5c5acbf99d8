"""A web site of people, served by a real nginx on a port of its own."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

from PIL import Image

from tests.conftest import require
from tests.e2e.product import free_ports

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
PEOPLE = 64
HIDDEN_PERSON = 59
"""Asks not to be indexed."""

ODD_PERSON = 60
"""Writes control characters."""

ALIAS_PERSON = 62
"""Has a second address, which declares the first one."""

_CONF = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    types {{ text/html html; text/xml xml; image/png png; text/plain txt; }}
    default_type application/octet-stream;
    log_format brief '$status $uri $http_if_none_match';
    access_log {folder}/access.log brief;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    limit_req_zone $binary_remote_addr zone=slow:64k rate=2r/s;
    limit_req_status 429;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/site;
        location /limited/ {{
            limit_req zone=slow burst=1 nodelay; error_page 429 @busy;
        }}
        location @busy {{ add_header Retry-After 1 always; return 429; }}
        location /tagged/ {{ add_header X-Robots-Tag "noindex, nofollow"; }}
        location = /robots.txt {{ if (-f {folder}/robots-down) {{ return 503; }} }}
        location /shaky/ {{
            etag off; if_modified_since off; add_header Last-Modified "";
            if (-f {folder}/shaky-down) {{ return 503; }}
        }}
        location /away/ {{ rewrite "^/away/([0-9]+)/(.*)$" http://127.0.0.1:$1/$2 redirect; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /people/$1 permanent; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A running site.

    Attributes:
        url: Its origin.
        folder: Its files.
        log: Where nginx writes `status path if-none-match`.
    """

    url: str
    folder: Path
    log: Path

    def person(self, number: int) -> str:
        return f"{self.url}/people/p{number}.html"

    def answers(self, status: int, path: str = "/people/") -> int:
        """Return how many answers of this status there were."""
        found = re.findall(rf"^{status} {re.escape(path)}\S*", self.log.read_text(), re.M)
        return len(found)

    def requests(self) -> int:
        return len(self.log.read_text().splitlines())

    def down(self, what: str) -> None:
        """Let `robots` or `shaky` answer 503 from now on."""
        (self.folder.parent / f"{what}-down").touch()

    def write(self, path: str, text: str | bytes) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)


@contextmanager
def running_site(folder: Path) -> Generator[Site]:
    """Serve a site of `PEOPLE` people; stop it at the end."""
    require(Path(NGINX).is_file(), "nginx (apt-get install nginx-light)")
    (port,) = free_ports(1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(_CONF.format(folder=folder, port=port))
    site = Site(f"http://127.0.0.1:{port}", folder / "site", folder / "access.log")
    _fill(site)
    process = subprocess.Popen(
        [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until_up(site.url)
        yield site
    finally:
        process.terminate()
        process.wait(10)


def _until_up(url: str) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            urlopen(f"{url}/robots.txt").close()
            return
        except OSError:
            assert time.monotonic() < until, "nginx did not start"
            time.sleep(0.05)


def _fill(site: Site) -> None:
    site.write(
        "robots.txt", "User-agent: *\nDisallow: /secret/\n\nUser-agent: Other\nDisallow: /\n"
    )
    for number in range(PEOPLE):
        site.write(f"people/p{number}.html", page(site, number))
        site.write(f"img/{number}.png", picture(number))
    site.write("secret/p.html", page(site, 1))
    site.write("tagged/p.html", page(site, 2))
    site.write("about.html", "<html><title>About us</title><p>Nobody in particular.</p>")
    alias = f'<link rel="canonical" href="/people/p{ALIAS_PERSON}.html">'
    site.write("alias.html", page(site, ALIAS_PERSON).replace("<head>", f"<head>{alias}"))
    links = "".join(f'<li><a href="people/p{n}.html">{n}</a>' for n in range(PEOPLE))
    others = '<a href="/secret/p.html">s</a><a href="/about.html">a</a><a href="/img/1.png">i</a>'
    far = (
        '<a href="http://elsewhere.example/p.html">e</a><a rel="nofollow" href="/alias.html">n</a>'
    )
    site.write("team.html", f"<html><title>Team</title><ul>{links}</ul>{others}{far}")
    urls = [site.person(n) for n in range(PEOPLE)]
    half = PEOPLE // 2
    site.write("sitemap-1.xml", urlset([*urls[:half], f"{site.url}/about.html"]))
    rest = urlset([*urls[half:], f"{site.url}/secret/p.html", f"{site.url}/alias.html"])
    site.write("sitemap-2.xml.gz", gzip.compress(rest.encode()))
    maps = "".join(
        f"<sitemap><loc>{site.url}/{name}</loc></sitemap>"
        for name in ("sitemap-1.xml", "sitemap-2.xml.gz", "sitemap-gone.xml")
    )
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    site.write(
        "sitemap.xml", f'<?xml version="1.0"?><sitemapindex xmlns="{space}">{maps}</sitemapindex>'
    )


def urlset(urls: list[str]) -> str:
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    listed = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="{space}">{listed}</urlset>'


def picture(number: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (48, 48), (number * 4 % 256, 90, 160)).save(out, "PNG")
    return out.getvalue()


def page(site: Site, number: int) -> str:
    """Return the page of a person, in one of four vocabularies by turns."""
    form = (linked_data, h_card, open_graph, rel_me)[number % 4]
    robots = '<meta name="robots" content="noindex">' if number == HIDDEN_PERSON else ""
    head, body = form(number)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>Person {number}</title>{robots}'
        f"{head}</head><body>{body}</body></html>"
    )


def bio(number: int) -> str:
    evil = "\u0007\u001b[31m" if number == ODD_PERSON else ""
    return f"I research the climate and write about glaciers, number {number}. Zoë{evil}"


def linked_data(number: int) -> tuple[str, str]:
    person = {
        "@type": "Person",
        "name": f"Ada {number}",
        "alternateName": f"ada{number}",
        "description": bio(number),
        "image": f"/img/{number}.png",
        "sameAs": [f"https://social.example/@ada{number}"],
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/FollowAction",
            "userInteractionCount": 100 + number,
        },
    }
    post = {
        "@type": "BlogPosting",
        "headline": f"Ice, part {number}",
        "articleBody": "The ice is thin #climate",
        "datePublished": "2026-01-02T03:04:05Z",
    }
    profile = {"@type": "ProfilePage", "dateCreated": "2020-01-01T00:00:00Z", "mainEntity": person}
    document = {"@context": "https://schema.org", "@graph": [profile, post]}
    broken = '<script type="application/ld+json">{"@type": "Person", </script>'
    return f'{broken}<script type="application/ld+json">{json.dumps(document)}</script>', ""


def h_card(number: int) -> tuple[str, str]:
    card = (
        f'<div class="h-card"><a class="u-url p-name" href="/people/p{number}.html">Bo {number}</a>'
        f'<img class="u-photo" src="../img/{number}.png" alt=""><p class="p-note">{bio(number)}</p>'
        f'<span class="p-nickname">bo{number}</span></div>'
    )
    post = (
        '<div class="h-entry"><p class="e-content">Snow again #climate</p>'
        '<time class="dt-published" datetime="2026-02-03T04:05:06Z">then</time></div>'
    )
    return "", card + post


def open_graph(number: int) -> tuple[str, str]:
    values = {
        "og:type": "profile",
        "og:title": f"Cy {number}",
        "og:description": bio(number),
        "og:image": f"/img/{number}.png",
        "profile:username": f"cy{number}",
    }
    return "".join(f'<meta property="{k}" content="{v}">' for k, v in values.items()), ""


def rel_me(number: int) -> tuple[str, str]:
    head = f'<meta name="description" content="{bio(number)}">'
    return head, f'<a rel="me" href="https://social.example/@dee{number}">me</a>'
