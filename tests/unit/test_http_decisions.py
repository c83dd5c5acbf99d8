"""Pure decisions of the HTTP layer: how long to wait, whether to try again, where to go at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from random import Random
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.base.errors import Rejected
from omni.connectors.addresses import check_addresses, is_public, parse_target
from omni.connectors.exchange import Fault
from omni.connectors.limits import MAX_ASKED_S, asked_wait, seconds_until, wait_in_body
from omni.connectors.retry import RetryPolicy, judge_status, next_wait, surely_not_taken

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        ("1.5", 1.5),
        (str(EPOCH + 30), 30),
        (str((EPOCH + 30) * 1000), 30),
        (str(EPOCH - 30), 0),
        ("2026-07-01T12:00:45Z", 45),
        ("2026-07-01T14:00:45.500+02:00", 45.5),
        ("2026-07-01 12:00:45", 45),
        (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9),
        ("Wed, 01 Jul 2026 12:00:09 -0000", 9),
        ("99999999", MAX_ASKED_S),
        ("9999-12-31T23:59:59Z", MAX_ASKED_S),
        ("", None),
        (None, None),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("1e9", None),
        ("9" * 40, None),
        ("٣", None),
    ],
)
def test_every_form_of_a_delay_is_read(value: str | None, seconds: float | None) -> None:
    assert seconds_until(value, NOW) == seconds


@given(st.text(max_size=40))
def test_no_delay_can_break_the_reader(value: str) -> None:
    read = seconds_until(value, NOW)
    assert read is None or 0 <= read <= MAX_ASKED_S


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (429, {"retry-after": "7", "ratelimit-reset": str(EPOCH + 900)}, 7),
        (429, {"ratelimit-reset": str(EPOCH + 900)}, 900),
        (429, {"retry-after": "when it suits", "x-ratelimit-reset": "60"}, 60),
        (429, {"ratelimit-reset": "gone", "x-ratelimit-reset": "60"}, 60),
        (429, {"ratelimit-reset": str(EPOCH - 5)}, None),
        (429, {}, None),
        (503, {"retry-after": "5"}, 5),
        (403, {"retry-after": "5"}, 5),
        (202, {"retry-after": "5"}, None),
        (200, {"ratelimit-remaining": "3", "ratelimit-reset": "60"}, None),
        (200, {"ratelimit-remaining": "0", "ratelimit-reset": "60"}, 60),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, 60),
        (500, {"ratelimit-remaining": "12", "ratelimit-reset": "60"}, None),
    ],
)
def test_a_server_is_asked_for_what_stands_in_the_way(
    status: int, headers: dict[str, str], asked: float | None
) -> None:
    assert asked_wait(status, headers, NOW) == asked


@pytest.mark.parametrize(
    ("status", "body", "asked"),
    [
        (429, b'{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}', 2.5),
        (429, b'{"retry_after_ms": 1e300}', MAX_ASKED_S),
        (429, b'{"retry_after_ms": -5}', 0.0),
        (200, b'{"retry_after_ms": 2500}', None),
        (429, b'{"retry_after_ms": "soon"}', None),
        (429, b'{"retry_after_ms": null}', None),
        (429, b"[1]", None),
        (429, b"slow down \xff", None),
        (429, b"[" * 9_000, None),
        (429, b'{"retry_after_ms": 2500}' + b" " * 20_000, None),
    ],
)
def test_a_delay_in_the_body_is_read(status: int, body: bytes, asked: float | None) -> None:
    assert wait_in_body(status, body) == asked


def test_statuses_mean_what_to_do() -> None:
    assert {s: judge_status(s) for s in (200, 204, 301, 304, 308, 400, 401, 404, 408)} == {
        200: "fine",
        204: "fine",
        301: "redirect",
        304: "final",
        308: "redirect",
        400: "final",
        401: "final",
        404: "final",
        408: "passing",
    }
    assert {judge_status(s) for s in (425, 429, 500, 502, 503, 504, 520)} == {"passing"}


def test_backoff_is_exponential_with_full_jitter_and_bounded() -> None:
    policy = RetryPolicy(tries=6, base_s=1.0, backoff_cap_s=5.0, total_s=100.0)
    for attempt, ceiling in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (5, 5.0)):
        waits = [
            next_wait(policy, attempt=attempt, elapsed_s=0, asked_s=None, rng=Random(seed))
            for seed in range(300)
        ]
        numbers = [w for w in waits if w is not None]
        assert len(numbers) == 300
        assert 0 <= min(numbers) < ceiling * 0.05
        assert ceiling * 0.95 < max(numbers) <= ceiling
    assert next_wait(policy, attempt=6, elapsed_s=0, asked_s=None, rng=Random(1)) is None
    assert next_wait(policy, attempt=1, elapsed_s=100, asked_s=None, rng=Random(1)) is None


@given(
    asked=st.floats(0.1, 200),
    elapsed=st.floats(0, 200),
    attempt=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_an_asked_wait_is_never_shortened(
    asked: float, elapsed: float, attempt: int, seed: int
) -> None:
    policy = RetryPolicy()
    rng = Random(seed)
    wait = next_wait(policy, attempt=attempt, elapsed_s=elapsed, asked_s=asked, rng=rng)
    if wait is None:
        late = elapsed + asked * 1.1 > policy.total_s
        assert attempt >= policy.tries or asked > policy.wait_cap_s or late
    else:
        assert asked <= wait <= asked * 1.1
        assert elapsed + wait <= policy.total_s


def test_what_was_surely_not_taken() -> None:
    assert surely_not_taken(Fault("unreachable", "x", sent=False))
    assert surely_not_taken(Fault("timeout", "x", sent=False))
    assert surely_not_taken(Fault("status", "x", status=429))
    for fault in (
        Fault("timeout", "x"),
        Fault("reset", "x"),
        Fault("garbage", "x", status=200),
        Fault("status", "x", status=500),
        Fault("status", "x", status=503),
        Fault("status", "x", status=408),
    ):
        assert not surely_not_taken(fault)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://Example.COM", "https://example.com:443/"),
        ("https://example.com.:8443/a b".replace(" ", "%20"), "https://example.com:8443/a%20b"),
        ("https://bücher.example/ä?q=ü#x", "https://xn--bcher-kva.example:443/%C3%A4?q=%C3%BC"),
        ("https://8.8.8.8/x", "https://8.8.8.8:443/x"),
        ("http://127.0.0.1:8403/x", "http://127.0.0.1:8403/x"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://LOCALHOST:1/", "http://localhost:1/"),
    ],
)
def test_urls_are_rebuilt_from_what_was_checked(url: str, sent: str) -> None:
    assert parse_target(url, loopback=True).url == sent


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///x",
        "http://example.com/",
        "http://8.8.8.8/",
        "https://user:pw@example.com/",
        "https://example.com@10.0.0.1/",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: x",
        "https://example.com\\@10.0.0.1/",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://10.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://1.2.3.4.5/",
        "https://[fe80::1%25eth0]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::]/",
        "https://0.0.0.0/",
        "https://a..b/",
        "https://exam%70le.com/",
        "https://" + "a" * 9_000,
    ],
)
def test_urls_that_must_not_be_asked_are_refused(url: str) -> None:
    with pytest.raises(Rejected):
        parse_target(url, loopback=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::a00:1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("100.100.100.200", False),
        ("192.0.0.192", False),
        ("168.63.129.16", False),
        ("192.88.99.1", False),
        ("3fff::1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", False),
        ("2002:a00:1::", False),
        ("2001:0:a00:1::", False),
        ("2001:db8::1", False),
    ],
)
def test_only_hosts_of_the_public_internet_are_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


def test_a_host_has_only_addresses_of_its_kind() -> None:
    here = parse_target("http://localhost:1/", loopback=True)
    there = parse_target("https://example.com/")
    check_addresses(here, [ip_address("127.0.0.1"), ip_address("::1")])
    check_addresses(there, [ip_address("8.8.8.8")])
    with pytest.raises(Rejected):
        check_addresses(here, [ip_address("127.0.0.1"), ip_address("8.8.8.8")])
    with pytest.raises(Rejected):
        check_addresses(there, [ip_address("8.8.8.8"), ip_address("127.0.0.1")])


@given(st.text(max_size=60))
def test_no_text_gets_past_as_another_host(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.com{text}"):
        try:
            target = parse_target(url)
        except Rejected:
            continue
        parts = urlsplit(target.url)
        assert parts.scheme == "https"
        assert (parts.hostname, parts.port) == (target.host, target.port)
        assert target.url.isascii()
        assert parts.username is None
