"""Who was met before in a file, in 16 bytes a person or less."""

from __future__ import annotations

import hashlib
from array import array

_FIRST = 1 << 12


class Seen:
    """A set of names that can only grow, kept as 64-bit digests in one block of memory.

    Two of a million names share a digest with a chance of 3 in 10^8; the second would be taken for
    a double.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _FIRST))
        self._count = 0

    def add(self, name: str) -> bool:
        """Note a name; tell whether it is new."""
        digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
        # 0 marks an empty place.
        if not self._put(int.from_bytes(digest) or 1):
            return False
        self._count += 1
        if self._count * 3 > len(self._table) * 2:
            self._grow()
        return True

    def _put(self, key: int) -> bool:
        mask = len(self._table) - 1
        place = key & mask
        while (found := self._table[place]) != 0:
            if found == key:
                return False
            place = (place + 1) & mask
        self._table[place] = key
        return True

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(16 * len(old)))
        for key in old:
            if key:
                self._put(key)
