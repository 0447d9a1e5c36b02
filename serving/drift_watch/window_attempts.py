"""How often this machine began to test a window, kept in the store.

A window that ends the process, by its memory for instance, would end each one that is started
again. What began before and left no verdict is counted; a window that began too often is passed
over. Other replicas that test the same window at the same time are not counted.
"""

import socket

from kanaria.serving.payload_log.exchanges import Stream
from kanaria.serving.payload_log.store_writer import Store

MOST = 2
"""Times that a window is begun."""
PLACES = 4
"""Of the number that is kept, times a window's place: more than MOST + 1."""


class Attempts:
    """Counts the beginnings of windows; lives in one thread."""

    def __init__(self, store: Store, host: str = "") -> None:
        """Count in `store`, for this host where none is named."""
        self._store, self._host = store, host or socket.gethostname()
        self._released: set[tuple[str, Stream, int]] = set()

    def begin(self, reader: str, stream: Stream, before: int) -> bool:
        """Count one more beginning of the window after exchange `before`.

        Returns:
            False where it began MOST times and never came to an end.
        """
        name, key = self._name(reader), (stream.namespace, stream.service, stream.version)
        stored = self._store.place(name, key)
        place, count = divmod(stored, PLACES)
        count = count if place == before else 0
        if (reader, stream, before) in self._released:
            self._released.remove((reader, stream, before))
        else:
            count += 1
        if count > MOST:
            return False
        self._store.advance(name, key, stored, before * PLACES + count)
        return True

    def release(self, reader: str, stream: Stream, before: int) -> None:
        """Do not count the beginning that another fault than the window's own has ended."""
        self._released.add((reader, stream, before))

    def _name(self, reader: str) -> str:
        return f"{reader}/begun on {self._host}"
