"""By which address a page is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.connectors.web.urls import canonical_url, name_of, normal_url


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("HTTPS://Example.COM:443/a/../b/./c#x", "https://example.com/b/c"),
        ("http://example.com:8080", "http://example.com:8080/"),
        ("https://example.com/a/?utm_source=x&b=2&fbclid=3", "https://example.com/a/?b=2"),
        ("https://example.com/%7Eada/%c3%a9", "https://example.com/~ada/%C3%A9"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.com//a//b", "https://example.com/a/b"),
        ("https://u:p@example.com/", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("http://[", None),
        ("https://example.com/" + "x" * 600, None),
    ],
)
def test_an_address_has_one_spelling(given: str, normal: str | None) -> None:
    assert normal_url(given) == normal


@given(st.text(max_size=60))
def test_a_normal_address_stays_as_it_is(path: str) -> None:
    found = normal_url("https://example.com/" + path)
    assert found is None or normal_url(found) == found


def test_a_page_is_known_by_what_it_declares_on_its_own_site_only() -> None:
    page = "https://example.com/x?id=1"
    assert canonical_url(page, ["/ada#me"]) == "https://example.com/ada"
    assert canonical_url(page, ["https://evil.example/ada"]) == page
    assert canonical_url(page, ["http://example.com/ada"]) == page
    assert canonical_url(page, []) == page
    assert name_of("https://example.com/~ada/") == "example.com/~ada"
