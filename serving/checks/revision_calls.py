"""Asks one revision by its own URL; the only module of the checks that speaks HTTP.

The HTTP client is loaded with the first revision that is asked: most pushes of an unchanged model
ask none, and end in less time than it takes to load.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kanaria.components.shared.errors import NotReadyError, shown
from kanaria.serving.checks.check_limits import Load
from kanaria.serving.checks.load_verdict import Call
from kanaria.serving.checks.paced_requests import Paced

UNHEARD_SECONDS = 60.0
"""Until a URL at which nobody answers is given up: a name that is being made is known by then."""
POLL_SECONDS = 0.5
METADATA_TIMEOUT = 10.0
NOBODY = 0
"""In the place of a status where nobody answered."""
PASSING = (
    NOBODY,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
"""What a route answers that is being made, or a pod that is being started."""
MOST_CHARACTERS = 100
"""Of an error's text that a reason tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a revision answered.

    Attributes:
        status: of HTTP, or NOBODY.
        body: of the answer.
        fault: why there is no answer to use: an HTTP status with its text, or no answer; or "".
    """

    status: int = NOBODY
    body: bytes = b""
    fault: str = ""


class RevisionCalls:
    """A client of one revision; use it as an asynchronous context."""

    def __init__(self, url: str) -> None:
        """Name the revision's URL; nothing is sent."""
        self._url = url.rstrip("/")

    async def __aenter__(self) -> "RevisionCalls":
        """Open the client; connections are as many as requests are under way."""
        import aiohttp

        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close its connections."""
        await self._session.close()

    async def reach(self, seconds: float) -> None:
        """Wait until the revision answers, whatever it says; its errors are the checks' to judge.

        Args:
            seconds: to wait, at most, while a route or a pod is started anew.

        Raises:
            NotReadyError: nobody answers at the URL.
        """
        clock = asyncio.get_running_loop().time
        start = clock()
        while (answer := await self._send("GET", "/", METADATA_TIMEOUT)).status in PASSING:
            waited = clock() - start
            if answer.status == NOBODY and waited >= min(seconds, UNHEARD_SECONDS):
                raise NotReadyError(
                    f"{self._url}: {answer.fault}; run push_model where the service runs, or set "
                    "signature, api_call and load of checks to false"
                )
            if waited >= seconds:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def metadata(self, path: str) -> Mapping[str, Any] | None:
        """Return the JSON object at a path, or None when there is none."""
        answer = await self._send("GET", path, METADATA_TIMEOUT)
        try:
            document = None if answer.fault else json.loads(answer.body)
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    async def predict(self, path: str, body: bytes, timeout: float) -> Answer:
        """Send one request and wait `timeout` seconds, at most, for its answer."""
        return await self._send("POST", path, timeout, body)

    async def load(
        self, path: str, bodies: Sequence[bytes], load: Load, *, idle: bool
    ) -> tuple[list[Call], float]:
        """Send requests as `paced_requests` does.

        One goes before them and is not counted: what a server does once, such as its first call of
        the model, is no load.

        Args:
            path: where they go.
            bodies: taken in turn.
            load: rate, number, limits and time-out.
            idle: whether time in which nothing is to be answered is waited for.

        Returns:
            The requests, and the seconds from the first to the last.
        """

        async def ask(number: int) -> str:
            body = bodies[number % len(bodies)]
            return (await self._send("POST", path, load.timeout_seconds, body)).fault

        await ask(0)
        return await Paced(load, ask, idle=idle).run()

    async def _send(self, method: str, path: str, timeout: float, body: bytes = b"") -> Answer:
        import aiohttp

        headers = {"Content-Type": "application/json"} if body else {}
        limit = aiohttp.ClientTimeout(total=timeout)
        try:
            async with self._session.request(
                method, self._url + path, data=body or None, headers=headers, timeout=limit
            ) as response:
                content = await response.read()
        except TimeoutError:
            return Answer(fault=f"no answer in {timeout:g} s")
        except aiohttp.ClientError as error:
            return Answer(fault=f"no connection: {shown(str(error))}")
        if response.status == HTTPStatus.OK:
            return Answer(status=response.status, body=content)
        text = content.decode("utf-8", "replace")[:MOST_CHARACTERS]
        return Answer(status=response.status, fault=f"{response.status} {' '.join(text.split())}")
