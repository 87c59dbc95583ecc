"""A set of content hashes in little memory: which ids were seen already."""

from __future__ import annotations

from array import array

_EMPTY = 0


class IdSet:
    """Holds 64-bit ids (16 hex digits) in 16 to 32 bytes each, a fifth of what a set of strings takes.

    Open addressing with linear probing; the ids are hashes, so their low bits spread evenly.
    """

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * 1024))
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, identity: str) -> bool:
        """Remember an id; True if it is new. Raises ValueError for what is not 64 bits in hexadecimal."""
        # 0 marks an empty slot; the id 0 shares the place of another one, as any two ids may with a chance of 2^-64.
        number = int(identity, 16) or 1
        if not self._insert(number):
            return False
        self._used += 1
        if 2 * self._used > len(self._slots):
            self._grow()
        return True

    def _insert(self, number: int) -> bool:
        slots = self._slots
        mask = len(slots) - 1
        place = number & mask
        while (found := slots[place]) != number:
            if found == _EMPTY:
                slots[place] = number
                return True
            place = (place + 1) & mask
        return False

    def _grow(self) -> None:
        numbers = self._slots
        self._slots = array("Q", bytes(2 * 8 * len(numbers)))
        for number in numbers:
            if number != _EMPTY:
                self._insert(number)
