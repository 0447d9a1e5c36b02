"""Takes the bodies of requests, within bounds of size, time and memory."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from kanaria.components.shared.errors import ParameterError, shown
from kanaria.serving.local.router.predictor_client import refuse

MEBIBYTE = 1 << 20
MOST_VARIABLE = "KANARIA_SERVING_MAX_BODY_MIB"
MOST_MEBIBYTES = 64
"""Of one body, unless the variable says otherwise; 413 above."""
BODIES_AT_ONCE = 4
"""All bodies that are held may come to so many of the largest ones; 503 above."""
BODY_SECONDS = 60.0
"""For a whole body; 408 after."""
SILENCE_SECONDS = 10.0
"""For any byte of it; 408 after."""
LINGER_SECONDS = 5.0
"""A client that is refused sends on before it reads why; so long it is heard out."""


class Refused(Exception):  # noqa: N818  It is an answer.
    """A body is not taken; the connection ends with the answer.

    Attributes:
        response: what the client gets.
    """

    def __init__(self, code: int, why: str, **headers: str) -> None:
        """Answer `code` and say why."""
        super().__init__(why)
        self.response = refuse(code, why, connection="close", **headers)

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and end when the client has sent its body, or time is up.

        A connection that is closed while the client sends is reset, and the answer lost.
        """
        waits = any(key == b"expect" for key, _ in scope["headers"])

        async def hold_back(message: dict[str, object]) -> None:
            await send(message | {"more_body": True} if "body" in message else message)

        await self.response(scope, receive, hold_back)  # type: ignore[arg-type]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if waits else LINGER_SECONDS):
                while (await receive()).get("more_body"):
                    pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def most_bytes() -> int:
    """Return how large a body may be.

    Raises:
        ParameterError: the environment says something else than a number of MiB.
    """
    text = os.environ.get(MOST_VARIABLE, str(MOST_MEBIBYTES))
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1 << 20):
        raise ParameterError(f"{MOST_VARIABLE}={shown(text)}: write a number of MiB, 1 or more")
    return int(text) * MEBIBYTE


class Intake:
    """The bodies that one router holds."""

    def __init__(self, most: int) -> None:
        """Take bodies of up to `most` bytes, and several of them."""
        self._most, self._held = most, 0

    @contextlib.asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Hold a request's body for the block.

        Raises:
            Refused: it is too large or too slow, or too much is held already.
            ClientDisconnect: the client went away.
        """
        parts = bytearray()
        size = 0
        try:
            await self._read(request, parts)
            whole, size = bytes(parts), len(parts)
            parts.clear()
            yield whole
        finally:
            self._held -= size + len(parts)

    @contextlib.contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Hold a body of so many bytes, which is there already, for the block.

        Raises:
            Refused: it is too large, or too much is held already.
        """
        self._require_room(size, size)
        self._held += size
        try:
            yield
        finally:
            self._held -= size

    async def _read(self, request: Request, parts: bytearray) -> None:
        """Add what comes to `parts`, and count it."""
        announced = int(request.headers.get("content-length", 0))
        self._require_room(announced, announced)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        message = await request.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    part = message.get("body", b"")
                    self._require_room(len(parts) + len(part), len(part))
                    parts += part
                    self._held += len(part)
                    if not message.get("more_body"):
                        return
        except TimeoutError as error:
            raise Refused(408, f"the body did not come in {BODY_SECONDS:.0f} s") from error

    def _require_room(self, size: int, added: int) -> None:
        if size > self._most:
            most = self._most // MEBIBYTE
            raise Refused(413, f"a body may have {most} MiB; {MOST_VARIABLE} allows more")
        if self._held + added > BODIES_AT_ONCE * self._most:
            why = "too many large bodies at once; try again"
            raise Refused(503, why, **{"retry-after": "1"})
