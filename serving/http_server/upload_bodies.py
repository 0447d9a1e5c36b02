"""Takes bodies off the wire and hands them to be parsed, within bounds of time and memory.

What many senders have sent in part is bounded together, beyond the first 64 KiB of each, so that
large or slow bodies neither fill the memory nor hold up small events. Large bodies are parsed in
one thread, one after another; the event loop goes on, and their costs do not add up.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from kanaria.components.shared.errors import DataError, NotReadyError
from kanaria.serving.protocol.body_limits import COMPRESSED, MAX_BODY

T = TypeVar("T")
BODY_SECONDS = 30.0
"""For a whole body to arrive."""
ROOM = 64 << 20
"""Bytes of all bodies that are received or parsed, beyond the first SMALL of each."""
SMALL = 64 << 10
AT_ONCE = 16 << 10
"""Bytes of a body that is parsed at once: at worst in some ten milliseconds."""


class TooLargeError(DataError):
    """A body is larger than MAX_BODY."""


class TooSlowError(DataError):
    """A body did not arrive within BODY_SECONDS."""


class FullError(NotReadyError):
    """More waits to be read or written than may; send it again later."""


class Part:
    """What one body holds of the room."""

    def __init__(self, room: "Room") -> None:
        """Hold nothing yet."""
        self._room, self._size = room, 0

    def grow(self, size: int) -> None:
        """Hold what a body of `size` bytes does.

        Raises:
            FullError: there is no room left.
        """
        wanted = max(0, size - SMALL)
        self._room.take(wanted - self._size)
        self._size = wanted

    def release(self) -> None:
        """Hold nothing any more."""
        self._room.take(-self._size)


class Room:
    """The memory that all bodies share; lives in one event loop."""

    def __init__(self, most: int = ROOM) -> None:
        """Begin empty, with room for `most` bytes."""
        self._most, self._held = most, 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parsing")

    def take(self, size: int) -> None:
        """Take room for `size` bytes more; give some back where it is negative."""
        if size > 0 and self._held + size > self._most:
            raise FullError(f"{self._held >> 20} MB of bodies wait to be read; send it again later")
        self._held += size

    @contextmanager
    def part(self) -> Iterator[Part]:
        """Yield what one body holds, as long as it is looked at."""
        part = Part(self)
        try:
            yield part
        finally:
            part.release()

    async def parsed(self, body: bytes, parse: Callable[[], T]) -> T:
        """Return what `parse` does of a body, beside the event loop where that may take long."""
        if len(body) <= AT_ONCE and not body.startswith(COMPRESSED):
            return parse()
        return await asyncio.get_running_loop().run_in_executor(self._thread, parse)


async def read_body(receive: Receive, part: Part) -> bytes:
    """Return a request's body, read no further and no longer than it may be.

    Raises:
        TooLargeError: it is larger than MAX_BODY.
        TooSlowError: it is not there within BODY_SECONDS.
        FullError: too much is held already.
        ClientDisconnect: the sender is gone.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(receive, part)
    except TimeoutError as error:
        raise TooSlowError(
            f"body: not there within {BODY_SECONDS:g} seconds; send it faster, or less at once"
        ) from error


async def _read(receive: Receive, part: Part) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > MAX_BODY:
            raise TooLargeError(f"body: more than {MAX_BODY >> 20} MiB; send less at once")
        part.grow(size)
        parts.append(chunk)
    return b"".join(parts)
