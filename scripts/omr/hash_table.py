"""Many things found by a 64-bit hash, in little memory: 16 to 24 bytes each, where a dict takes over 100."""

from __future__ import annotations

from array import array

_FIRST_SLOTS = 1 << 10


class HashTable:
    """Entries 0, 1, 2, ... in the order in which they were added, each known by its hash alone.

    Open addressing with linear probing. Hashes are any signed 64-bit integers, such as Python's own `hash`: the table
    lives as long as the process, and nothing that is written depends on the hashes.
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self._slots = array("I", bytes(4 * _FIRST_SLOTS))  # number of an entry + 1, or 0: empty

    def __len__(self) -> int:
        return len(self._hashes)

    def append(self, hashed: int) -> None:
        """Add an entry, also when others have the same hash."""
        hashes, slots = self._hashes, self._slots
        hashes.append(hashed)
        mask = len(slots) - 1
        place = hashed & mask
        while slots[place]:
            place = (place + 1) & mask
        slots[place] = len(hashes)
        if 3 * len(hashes) > 2 * len(slots):
            self._grow()

    def find(self, hashed: int) -> list[int]:
        """The numbers of the entries with this hash, oldest first."""
        hashes, slots = self._hashes, self._slots
        mask = len(slots) - 1
        place = hashed & mask
        found = []
        while entry := slots[place]:
            if hashes[entry - 1] == hashed:
                found.append(entry - 1)
            place = (place + 1) & mask
        return found

    def add(self, hashed: int) -> int:
        """The number of the first entry with this hash; it is `len` before the call if there was none."""
        found = self.find(hashed)
        if found:
            return found[0]
        self.append(hashed)
        return len(self._hashes) - 1

    def _grow(self) -> None:
        size = 2 * len(self._slots)
        self._slots = array("I")  # the old ones are freed before the new ones are made
        slots = self._slots = array("I", bytes(4)) * size
        mask = size - 1
        for entry, hashed in enumerate(self._hashes, 1):
            place = hashed & mask
            while slots[place]:
                place = (place + 1) & mask
            slots[place] = entry
