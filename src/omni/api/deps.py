"""What the API needs of the world; the composition root builds it, `app.state.deps` carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from fastapi import Depends, Request

from omni.base.clock import Clock
from omni.connectors.types import SeedType
from omni.storage.db import Database


class Pinged(Protocol):
    """Something that can say that it is there: the broker."""

    async def ping(self) -> None:
        """Return when it answers.

        Raises:
            Transient: It cannot be reached.
        """
        ...


class Encrypts(Protocol):
    """Keeps secrets: the vault."""

    def encrypt(self, secret: bytes) -> bytes:
        """Return `secret` encrypted."""
        ...


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """What the API needs of the world.

    Attributes:
        platforms: The seed types of each platform that can be crawled.
        seeds: What people are told of the seed types of each platform.
        require_keys: Every call needs a key; otherwise only this machine may call.
    """

    db: Database
    broker: Pinged
    platforms: Mapping[str, frozenset[str]]
    vault: Encrypts
    clock: Clock
    require_keys: bool = False
    seeds: Mapping[str, Sequence[SeedType]] = field(default_factory=dict[str, Sequence[SeedType]])


async def get_deps(request: Request) -> ApiDeps:
    """Return what the application was made with."""
    deps = request.app.state.deps
    assert isinstance(deps, ApiDeps)
    return deps


Deps = Annotated[ApiDeps, Depends(get_deps)]
