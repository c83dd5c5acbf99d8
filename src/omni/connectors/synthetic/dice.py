"""Chance that depends on labels alone: the same labels give the same numbers on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """Return 64 well-mixed bits of `value` (the finaliser of splitmix64)."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _MASK
    return value ^ (value >> 31)


class Dice:
    """A stream of numbers that is a pure function of its labels.

    Python's own `random` promises the same sequence across versions for few of its methods; a world
    that must look the same for years cannot lean on the others.
    """

    __slots__ = ("_state",)

    def __init__(self, *labels: int | str) -> None:
        text = "\x1f".join(map(str, labels)).encode()
        self._state = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")

    def bits(self) -> int:
        """Return the next 64 bits as a whole number."""
        self._state = (self._state + _STEP) & _MASK
        return mix(self._state)

    def unit(self) -> float:
        """Return a number from 0 up to, but not including, 1."""
        return (self.bits() >> 11) / (1 << 53)

    def between(self, low: float, high: float) -> float:
        """Return a number from `low` up to `high`."""
        return low + (high - low) * self.unit()

    def below(self, bound: int) -> int:
        """Return a whole number from 0 to `bound - 1`; `bound` is at least 1."""
        return self.bits() % bound

    def chance(self, probability: float) -> bool:
        """Return True as often as `probability` says."""
        return self.unit() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Return one of `options`, which is not empty."""
        return options[self.below(len(options))]

    def sample(self, options: Sequence[T], count: int) -> tuple[T, ...]:
        """Return `count` different positions of `options`, or all in a new order if fewer."""
        left = list(options)
        return tuple(left.pop(self.below(len(left))) for _ in range(min(count, len(left))))
