"""What a crawl has to do next: pages of people to read, and people to fetch."""

from __future__ import annotations

from dataclasses import dataclass

from omni.connectors.types import Seed


@dataclass(frozen=True, slots=True)
class Page:
    """A page of people that is to be read.

    Attributes:
        depth: 0 for the seed's own pages, 1 for those of the people found there, and so on.
        cursor: None for the first page of `seed`.
    """

    seed: Seed
    depth: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """People that are to be fetched with one call; all were met at the same depth."""

    platform_ids: tuple[str, ...]
    depth: int


Errand = Page | Batch
"""One bounded call to a source."""
