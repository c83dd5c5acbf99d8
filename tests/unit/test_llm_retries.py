"""How long a judge waits before it tries again."""

from __future__ import annotations

from random import Random

from omni.llm.ollama import Retries


def test_pauses_grow_are_scattered_and_bounded() -> None:
    retries, rng = Retries(attempts=9, base_s=0.5, longest_s=4.0), Random(1)
    for attempt in range(1, 9):
        middle = min(4.0, 0.5 * 2 ** (attempt - 1))
        pauses = [retries.pause(attempt, rng) for _ in range(200)]
        assert middle * 0.5 <= min(pauses) < max(pauses) <= middle * 1.5
