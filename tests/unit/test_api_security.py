"""What a page from elsewhere may send to a server on this machine: nothing that counts."""

from __future__ import annotations

import pytest

from omni.api.errors import clean, field_path
from omni.api.keys import hash_token, new_token, read_bearer
from omni.api.security import check_local
from omni.base.errors import Unauthorized

LOCAL = (b"host", b"127.0.0.1:8400")


@pytest.mark.parametrize(
    "host", [b"127.0.0.1:8400", b"127.8.9.1", b"localhost", b"LOCALHOST:1", b"[::1]:8400", b"[::1]"]
)
def test_local_names_are_answered(host: bytes) -> None:
    check_local([(b"host", host)], writes=True)


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"evil.example:8400",
        b"127.0.0.1.evil.example",
        b"localhost.evil.example",
        b"evil.example@127.0.0.1",
        b"10.0.0.1:8400",
        b"[2001:db8::1]:8400",
        b"0.0.0.0",
        b"",
        b"[",
        b"\xff",
    ],
)
def test_foreign_names_are_refused_even_to_read(host: bytes) -> None:
    with pytest.raises(Unauthorized) as caught:
        check_local([(b"host", host)], writes=False)
    assert caught.value.forbidden


def test_one_foreign_name_of_two_is_enough_to_refuse() -> None:
    with pytest.raises(Unauthorized):
        check_local([LOCAL, (b"host", b"evil.example")], writes=False)


@pytest.mark.parametrize(
    "origin",
    [
        b"http://evil.example",
        b"null",
        b"http://127.0.0.1:9999",
        b"http://localhost:8400",
        b"http://127.0.0.1:8400@evil.example",
        b"",
    ],
)
def test_pages_of_other_origins_may_read_but_not_write(origin: bytes) -> None:
    check_local([LOCAL, (b"origin", origin)], writes=False)
    with pytest.raises(Unauthorized):
        check_local([LOCAL, (b"origin", origin)], writes=True)


def test_order_of_headers_does_not_matter() -> None:
    check_local([(b"origin", b"http://127.0.0.1:8400"), LOCAL], writes=True)


def test_cross_site_requests_without_origin_may_not_write() -> None:
    with pytest.raises(Unauthorized):
        check_local([LOCAL, (b"sec-fetch-site", b"cross-site")], writes=True)
    check_local([LOCAL, (b"sec-fetch-site", b"same-origin")], writes=True)


def test_tokens_carry_256_bits_and_only_their_digest_is_kept() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    token = tokens.pop()
    assert len(token) == len("omni_") + 43
    assert len(hash_token(token)) == 64
    assert token not in hash_token(token)


def test_only_our_own_bearer_tokens_are_looked_up() -> None:
    token = new_token()
    assert read_bearer(f"Bearer {token}") == token
    assert read_bearer(f"bearer   {token} ") == token
    for header in (
        token,
        f"Basic {token}",
        "Bearer",
        "Bearer x",
        f"Bearer {token}x",
        "Bearer omni_é",
    ):
        assert read_bearer(header) is None


def test_places_are_written_as_people_read_them() -> None:
    assert field_path(("criteria", "all", 2, "value")) == "criteria.all[2].value"
    assert field_path(("a b", "c")) == '["a b"].c'
    assert field_path(()) == ""


def test_details_are_bounded_and_always_utf8() -> None:
    assert clean("\ud800x") == "?x"
    assert len(clean("x" * 10_000)) == 600
