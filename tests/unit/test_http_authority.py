"""Which addresses a token goes to that the caller does not know of."""

from __future__ import annotations

import pytest

from omni.base.errors import Rejected
from omni.connectors.addresses import parse_target
from omni.connectors.authority import Authorizations

SAID = Authorizations({"https://matrix.example/_matrix/media/": "Bearer secret"})


def headers(url: str, method: str = "GET") -> dict[str, str]:
    return SAID.headers(method, parse_target(url).url)


@pytest.mark.parametrize(
    "url",
    [
        "https://matrix.example/_matrix/media/far.example/a",
        "HTTPS://Matrix.Example:443/_matrix/media/a?width=3",
    ],
)
def test_it_goes_below_its_prefix(url: str) -> None:
    assert headers(url) == {"Authorization": "Bearer secret"}


@pytest.mark.parametrize(
    "url",
    [
        "https://matrix.example/_matrix/client/v3/sync",
        "https://matrix.example/_matrix/media",
        "https://matrix.example/_matrix/media/../client/v3/sync",
        "https://matrix.example/_matrix/media/%2e%2E/client/v3/sync",
        "https://matrix.example/_matrix/media/.%2e/client/v3/sync",
        "https://matrix.example/x/../_matrix/media/a",
        "https://matrix.example:8448/_matrix/media/a",
        "https://matrix.example.evil.example/_matrix/media/a",
        "https://evil.example/https://matrix.example/_matrix/media/a",
    ],
)
def test_it_goes_nowhere_else(url: str) -> None:
    assert headers(url) == {}


def test_it_goes_with_no_request_that_changes_anything() -> None:
    assert headers("https://matrix.example/_matrix/media/a", "POST") == {}


def test_a_prefix_is_an_address() -> None:
    with pytest.raises(Rejected):
        Authorizations({"matrix.example": "Bearer secret"})
