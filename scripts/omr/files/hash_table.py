"""Many things found by a 64-bit hash, in little memory: 16 to 24 bytes each, where a dict takes over 100."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

_FIRST_SLOTS = 1 << 10


class HashTable:
    """Entries 0, 1, 2, ... in the order in which they were added, each known by its hash alone.

    Open addressing with linear probing. Hashes are any signed 64-bit integers, such as Python's own `hash`: the table
    lives as long as the process, and nothing that is written depends on the hashes.
    """

    def __init__(self) -> None:
        self._hashes = array("q")
        self._slots = array("I")  # number of an entry + 1, or 0: empty
        self._in_slots = 0
        #: Add an entry with a hash, also when others have the same.
        self.append: Callable[[int], None] = self._hashes.append
        self._resize(_FIRST_SLOTS)

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[int]:
        """The hashes in the order in which they were added."""
        return iter(self._hashes)

    def find(self, hashed: int) -> list[int]:
        """The numbers of the entries with this hash, oldest first."""
        hashes = self._hashes
        if self._in_slots < len(hashes):
            self._enter()
        slots = self._slots
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
        hashes = self._hashes
        if self._in_slots < len(hashes):
            self._enter()
        slots = self._slots
        mask = len(slots) - 1
        place = hashed & mask
        while entry := slots[place]:
            if hashes[entry - 1] == hashed:
                return entry - 1
            place = (place + 1) & mask
        hashes.append(hashed)
        number = len(hashes)
        slots[place] = number
        self._in_slots = number
        if 2 * number > len(slots):
            self._enter()
        return number - 1

    def _enter(self) -> None:
        """Give slots to the entries that have none yet."""
        wanted = len(self._slots)
        while 2 * len(self._hashes) > wanted:
            wanted *= 2
        if wanted > len(self._slots):
            self._resize(wanted)
        hashes, slots, mask = self._hashes, self._slots, len(self._slots) - 1
        for entry in range(self._in_slots, len(hashes)):
            place = hashes[entry] & mask
            while slots[place]:
                place = (place + 1) & mask
            slots[place] = entry + 1
        self._in_slots = len(hashes)

    def _resize(self, slots: int) -> None:
        self._slots = array("I")  # the old ones are freed before the new ones are made
        self._slots = array("I", bytes(4)) * slots
        self._in_slots = 0
