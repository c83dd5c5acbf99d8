"""How a request and its response are packed to be kept, and unpacked again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from omni.qualification.types import VerdictKey

MAX_UNPACKED = 16_000_000
"""The most bytes that a recording may have when it is unpacked."""


@dataclass(frozen=True, slots=True)
class About:
    """What a call is about; what is None is not known of it, as in a test with made-up people.

    Attributes:
        profile_hash: The view that was shown.
    """

    campaign_id: int | None = None
    profile_id: int | None = None
    profile_hash: str | None = None
    criteria_hash: str | None = None
    prompt_version: str | None = None

    @classmethod
    def of(cls, key: VerdictKey, profile_id: int, profile_hash: str) -> About:
        """Return what a call for this verdict is about."""
        return cls(key.campaign_id, profile_id, profile_hash, key.criteria_hash, key.prompt_version)


class AskedParts(msgspec.Struct, frozen=True):
    """A request without its static part, which is kept once for all.

    Attributes:
        profile: What the judge was shown, as plain values.
        images: Type and SHA-256 of each picture; the pictures themselves are objects of their own.
    """

    user: str
    schema: dict[str, Any]
    turns: list[tuple[str, str]] = []
    images: list[tuple[str, str]] = []
    profile: dict[str, Any] = {}


class AnsweredParts(msgspec.Struct, frozen=True):
    """A response, as `omni.llm.ports.Answer` has it."""

    text: str
    complete: bool
    latency_ms: float
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """One request with one response."""

    key: str
    model: str
    system: str
    asked: AskedParts
    answered: AnsweredParts
    recorded_at: datetime


def pack(value: object) -> bytes:
    """Return plain values or a text as few bytes; equal values, equal bytes."""
    if isinstance(value, str):
        return zlib.compress(value.encode("utf-8", "surrogatepass"), 6)
    # ASCII, since an answer may hold half characters, which only escapes can carry.
    return zlib.compress(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), 6)


def unpack_text(data: bytes) -> str:
    """Return a packed text.

    Raises:
        ValueError: It is damaged, or larger than `MAX_UNPACKED`.
    """
    return _inflate(data).decode("utf-8", "surrogatepass")


def read_recording(row: Mapping[str, Any]) -> Recording:
    """Return the recording of a row.

    Raises:
        ValueError: It is damaged.
    """
    return Recording(
        key=row["key"],
        model=row["model"],
        system=unpack_text(row["system"]),
        asked=unpack_asked(row["asked"]),
        answered=unpack_answered(row["answered"]),
        recorded_at=row["recorded_at"],
    )


def unpack_asked(data: bytes) -> AskedParts:
    """Return a packed request; raises ValueError where it is damaged."""
    return msgspec.convert(json.loads(_inflate(data)), AskedParts)


def unpack_answered(data: bytes) -> AnsweredParts:
    """Return a packed response; raises ValueError where it is damaged."""
    return msgspec.convert(json.loads(_inflate(data)), AnsweredParts)


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(data, MAX_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"a recording is damaged: {error}") from error
    if not inflater.eof:
        raise ValueError(f"a recording is cut off, or larger than {MAX_UNPACKED} bytes")
    return plain
