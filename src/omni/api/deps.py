"""What the API needs of the world; the composition root builds it, `app.state.deps` carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import Depends, Request

from omni.base.clock import Clock
from omni.base.errors import NotFound
from omni.connectors.file.types import RowMap, Shape, Taken
from omni.connectors.ports import MessageSender
from omni.connectors.types import SeedType
from omni.llm.ports import Health
from omni.llm.types import Prices
from omni.storage.db import Database


class Pinged(Protocol):
    """Something that can say that it is there: the broker."""

    async def ping(self) -> None:
        """Return when it answers.

        Raises:
            Transient: It cannot be reached.
        """
        ...


class ReadsObjects(Protocol):
    """Gives what object storage holds."""

    async def get(self, name: str, *, copy: str = "") -> bytes:
        """Return the object of this name.

        Raises:
            NotFound: It is not there.
            Transient: The storage failed.
        """
        ...


class NoObjects:
    """Holds nothing."""

    async def get(self, name: str, *, copy: str = "") -> bytes:
        """Find nothing."""
        raise NotFound("there is no such picture")


class Encrypts(Protocol):
    """Keeps secrets: the vault."""

    def encrypt(self, secret: bytes) -> bytes:
        """Return `secret` encrypted."""
        ...

    def decrypt(self, token: bytes) -> bytes:
        """Return what was encrypted.

        Raises:
            Rejected: No key fits.
        """
        ...


class Judging(Protocol):
    """A judge, as far as the API asks it: never for a verdict."""

    @property
    def model(self) -> str:
        """Who answers."""
        ...

    @property
    def concurrency(self) -> int:
        """The most calls at a time."""
        ...

    async def health(self) -> Health:
        """Look whether it can work now."""
        ...


class Files(Protocol):
    """The folder of uploaded files of people; every method blocks, so it is called in a thread."""

    def new_path(self) -> Path:
        """Return where an upload may be written until it is whole."""
        ...

    def keep(self, part: Path, sha256: str) -> None:
        """Keep a whole upload under its name."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove a file, if it is there."""
        ...

    def inspect(self, sha256: str, name: str) -> Shape:
        """Find out how a file is to be read."""
        ...

    def reshape(
        self, sha256: str, shape: Shape, encoding: str, delimiter: str, header: bool
    ) -> Shape:
        """Return the shape of a CSV file that is to be read in another way."""
        ...

    def guess(self, sha256: str, shape: Shape, platform: str | None) -> RowMap:
        """Return what the columns probably mean."""
        ...

    def check(self, shape: Shape, mapping: RowMap, *, whole: bool = False) -> RowMap:
        """Return the mapping if it fits the file."""
        ...

    def preview(self, sha256: str, shape: Shape, mapping: RowMap, rows: int) -> tuple[Taken, ...]:
        """Return what becomes of the first rows."""
        ...


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """What the API needs of the world.

    Attributes:
        platforms: The seed types of each platform that can be crawled.
        senders: The platforms on which messages can be sent, or handed over.
        seeds: What people are told of the seed types of each platform.
        require_keys: Every call needs a key; otherwise only this machine may call.
        files: Where files of people are kept; None where none are taken.
        max_upload_bytes: The most bytes of such a file.
        judges: In the order of preference; none where the model is off.
        prices: What their tokens cost.
        verifiers: What verifies an account, by platform.
        judge_share: The share of each shortlist that is judged, whatever the campaign.
    """

    db: Database
    broker: Pinged
    platforms: Mapping[str, frozenset[str]]
    vault: Encrypts
    clock: Clock
    require_keys: bool = False
    objects: ReadsObjects = field(default_factory=NoObjects)
    senders: frozenset[str] = frozenset()
    seeds: Mapping[str, Sequence[SeedType]] = field(default_factory=dict[str, Sequence[SeedType]])
    files: Files | None = None
    max_upload_bytes: int = 1_000_000_000
    judges: Sequence[Judging] = ()
    prices: Prices = field(default_factory=Prices)
    verifiers: Mapping[str, MessageSender] = field(default_factory=dict[str, MessageSender])
    judge_share: float = 1.0


async def get_deps(request: Request) -> ApiDeps:
    """Return what the application was made with."""
    deps = request.app.state.deps
    assert isinstance(deps, ApiDeps)
    return deps


Deps = Annotated[ApiDeps, Depends(get_deps)]
