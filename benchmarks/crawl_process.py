"""One crawler over `count` pages of a local server, in a process of its own.

Started by `benchmarks.crawl`; prints one JSON object: pages a second, counted from the first pages
to the last one so that no start-up is in it, processor milliseconds a page, and the process's peak
resident memory.
"""

# pyright: basic
# (scrapy and curl_cffi's requests are only half typed)

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path

CONCURRENCY = 32
WARM_UP = 64


class Clock:
    """Counts pages; the first `WARM_UP` of them are not timed."""

    def __init__(self) -> None:
        self.pages = 0
        self.began = self.ended = self.cpu = 0.0

    def page(self) -> None:
        """Note a page."""
        self.pages += 1
        self.ended = time.perf_counter()
        if self.pages == WARM_UP:
            self.began, self.cpu = self.ended, time.process_time()

    def tell(self, expected: int) -> None:
        """Print the result; all pages must have come."""
        assert self.pages == expected, (self.pages, expected)
        timed = self.pages - WARM_UP
        cpu_ms = 1_000 * (time.process_time() - self.cpu) / timed
        rate = timed / (self.ended - self.began)
        print(json.dumps({"pages_per_s": rate, "cpu_ms": cpu_ms, "rss_mb": peak_rss_mb()}))


def peak_rss_mb() -> float:
    """Return the most memory that this program has held.

    `getrusage` does not tell it: its maximum begins with the memory of whoever started the program.
    """
    status = Path("/proc/self/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


async def omni(base: str, count: int, clock: Clock) -> None:
    """Omni's loop: slots, circuit, pace, retry, metrics, parse to a raw profile, content hash."""
    from omni.base.log import configure_logging
    from omni.connectors.http import HttpClient, meter
    from omni.connectors.synthetic.source import SyntheticSource
    from omni.profiles.payload import content_hash, tidy

    configure_logging("warning")
    numbers = iter(range(count))
    async with HttpClient(
        user_agent="omni-bench", concurrency=CONCURRENCY, per_host=CONCURRENCY, loopback=True
    ) as http:
        source = SyntheticSource(http, base)

        async def walk() -> None:
            for number in numbers:
                (profile,) = await source.fetch([f"syn:{number}"])
                kept = tidy(profile)
                assert kept is not None
                content_hash(kept)
                clock.page()

        with meter():
            await asyncio.gather(*(walk() for _ in range(CONCURRENCY)))


async def bare(base: str, count: int, clock: Clock) -> None:
    """curl_cffi alone: one long-lived session; the body is read and dropped."""
    from curl_cffi.requests import AsyncSession

    numbers = iter(range(count))
    async with AsyncSession(max_clients=CONCURRENCY) as session:

        async def walk() -> None:
            for number in numbers:
                answer = await session.get(f"{base}/people?ids=syn:{number}")
                assert answer.status_code == 200
                assert answer.content
                clock.page()

        await asyncio.gather(*(walk() for _ in range(CONCURRENCY)))


def digest(body: bytes) -> str:
    """Parse and hash, for those whose loop has no part for it."""
    json.loads(body)
    return hashlib.sha256(body).hexdigest()


def scrapy(base: str, count: int, clock: Clock) -> None:
    """Scrapy with every courtesy off."""
    from scrapy import Request, Spider
    from scrapy.crawler import CrawlerProcess

    class Pages(Spider):
        name = "pages"

        async def start(self):
            for number in range(count):
                yield Request(f"{base}/people?ids=syn:{number}", dont_filter=True)

        def parse(self, response):
            digest(response.body)
            clock.page()

    process = CrawlerProcess(
        {
            "LOG_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "ROBOTSTXT_OBEY": False,
            "AUTOTHROTTLE_ENABLED": False,
            "COOKIES_ENABLED": False,
            "DOWNLOAD_DELAY": 0,
            "CONCURRENT_REQUESTS": CONCURRENCY,
            "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
        }
    )
    process.crawl(Pages)
    process.start()


async def crawlee(base: str, count: int, clock: Clock, client: str) -> None:
    """Crawlee with one of its clients, its storage in memory."""
    from datetime import timedelta

    from crawlee import ConcurrencySettings
    from crawlee.configuration import Configuration
    from crawlee.crawlers import HttpCrawler
    from crawlee.http_clients import CurlImpersonateHttpClient, ImpitHttpClient
    from crawlee.storage_clients import MemoryStorageClient

    crawler = HttpCrawler(
        http_client=CurlImpersonateHttpClient() if client == "curl" else ImpitHttpClient(),
        storage_client=MemoryStorageClient(),
        configuration=Configuration(log_level="ERROR"),
        configure_logging=False,
        concurrency_settings=ConcurrencySettings(
            min_concurrency=CONCURRENCY, desired_concurrency=CONCURRENCY,
            max_concurrency=CONCURRENCY,
        ),
        use_session_pool=False,
        request_handler_timeout=timedelta(seconds=30),
    )  # fmt: skip

    @crawler.router.default_handler
    async def handle(context) -> None:
        digest(await context.http_response.read())
        clock.page()

    await crawler.run([f"{base}/people?ids=syn:{number}" for number in range(count)])


def main() -> None:
    """Run the crawler that the command line names."""
    which, base, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    clock = Clock()
    if which == "scrapy":
        scrapy(base, count, clock)
    elif which.startswith("crawlee"):
        asyncio.run(crawlee(base, count, clock, which.partition("-")[2]))
    else:
        asyncio.run({"omni": omni, "bare": bare}[which](base, count, clock))
    clock.tell(count)


if __name__ == "__main__":
    main()
