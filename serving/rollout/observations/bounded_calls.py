"""Readings and requests that end in time, whatever the other side does."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from kanaria.components.shared.errors import DataError, KanariaError
from kanaria.serving.browser_requests import is_loopback
from kanaria.serving.future_thread import begun

logger = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")
COUNTERS_SECONDS, MODELS_SECONDS = 6.0, 4.0
"""For the counters of a reading, and for what models answer: together below a lease's 15 s."""
MOST_BYTES = 16 * 2**20
"""Of an answer: that of some 1,600 replicas."""
NO_ANSWER = 0
"""In the place of a status where there was no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP answer, or NO_ANSWER and the reason why there is none."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body, for a person."""
        return self.body.decode("utf-8", "replace")


def within(seconds: float, reads: Mapping[str, Callable[[], ResultT]]) -> dict[str, ResultT | None]:
    """Return what each of the functions, called all at once, returned in time.

    A function that raises a KanariaError, or does not end in time, gives None, and the reason is
    logged; one that does not end goes on alone, and what it returns is not used.
    """
    futures = {what: begun(read) for what, read in reads.items()}
    wait(futures.values(), timeout=seconds)
    return {what: _result(what, future, seconds) for what, future in futures.items()}


def _result(what: str, future: "Future[ResultT]", seconds: float) -> ResultT | None:
    if not future.done():
        logger.warning("%s: nothing is known in this interval: no answer in %g s", what, seconds)
        return None
    try:
        return future.result()
    except KanariaError as error:
        logger.warning("%s: nothing is known in this interval: %s", what, error)
        return None


def ask(method: str, url: str, seconds: float, **options: Any) -> Answer:
    """Send a request and return its answer; redirects are not followed.

    Args:
        method: of HTTP.
        url: where to.
        seconds: from now to the last byte of the answer, however slowly it drips.
        options: to httpx, for instance `params` or `data`.

    Raises:
        DataError: the answer is larger than MOST_BYTES, or compressed although nobody asked for it,
            so that its size cannot be known before.
    """
    try:
        return asyncio.run(_answer(method, url, seconds, options))
    except TimeoutError:
        return Answer(status=NO_ANSWER, body=f"no answer in {seconds:.3g} s".encode())
    except httpx.HTTPError as error:
        return Answer(status=NO_ANSWER, body=(str(error) or type(error).__name__).encode())


async def _answer(method: str, url: str, seconds: float, options: Mapping[str, Any]) -> Answer:
    headers, body = {"Accept-Encoding": "identity"}, bytearray()
    proxies = not is_loopback(httpx.URL(url).host)  # No proxy reaches this machine's own servers.
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(timeout=seconds, headers=headers, trust_env=proxies) as client,
        client.stream(method, url, **options) as answer,
    ):
        encoding = answer.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            raise DataError(f"{url}: the answer is compressed ({encoding}), unasked")
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                raise DataError(f"{url}: the answer has more than {MOST_BYTES:,} bytes")
    return Answer(status=answer.status_code, body=bytes(body))
