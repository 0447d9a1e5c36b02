"""Reads what the servers and the folder of this machine tell, again and again, each by itself.

A server that is slow or away holds up no other one: what it told last stays, with its age.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Generic, TypeVar

from kanaria.components.shared.errors import DataError, KanariaError, NotReadyError, shown
from kanaria.serving.drift_token import authorization_for
from kanaria.serving.drift_watch.verdict_routes import scraped
from kanaria.serving.live_page.metric_samples import Samples, parsed
from kanaria.serving.live_page.page_state import Condition, Source
from kanaria.serving.local.state import state_folder
from kanaria.serving.payload_log.open_store import open_reader
from kanaria.serving.rollout.control.file_store import FileStore
from kanaria.serving.rollout.control.stored_rollout import Rollout
from kanaria.serving.rollout.observations.bounded_calls import ask

ANSWER_SECONDS = 5.0
LATE = 3.0
"""Intervals after which what was read last is stale."""
ReadingT = TypeVar("ReadingT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading(Generic[ReadingT]):
    """What a source told, where, and when by the clock that never goes back."""

    value: ReadingT
    place: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RouterReading:
    """A router's metrics, and each of its services with what is wrong with it, or ""."""

    samples: Samples
    faults: dict[tuple[str, str], str]


class Feed(Generic[ReadingT]):
    """One source: what it told last, and why it cannot be read now; lives in one event loop."""

    def __init__(
        self, name: str, place: str, read: Callable[[], tuple[ReadingT, str]], seconds: float
    ) -> None:
        """Name a source that is read every `seconds`; `read` returns what it tells, and where."""
        self._name, self._place, self._read, self._seconds = name, place, read, seconds
        self._began = time.monotonic()
        self.newest: Reading[ReadingT] | None = None
        self._fault = ""

    async def run(self, tell: Callable[[Reading[ReadingT]], None] = lambda _: None) -> None:
        """Read until cancelled, and hand on what was told."""
        while True:
            try:
                value, place = await asyncio.to_thread(self._read)
            except (KanariaError, OSError) as error:  # A folder may be another account's.
                self._fault = str(error)
            else:
                self._fault = ""
                self.newest = Reading(value=value, place=place, at=time.monotonic())
                tell(self.newest)
            await asyncio.sleep(self._seconds)

    def source(self, now: float) -> Source:
        """Return how it is at a moment of the clock that never goes back."""
        age = None if self.newest is None else now - self.newest.at
        late = LATE * self._seconds + ANSWER_SECONDS
        if age is None:
            condition = Condition.AWAY
        else:
            condition = Condition.STALE if self._fault or age > late else Condition.FRESH
        waited = "" if age is not None or now - self._began <= late else "no answer yet"
        return Source(
            name=self._name,
            place=self.newest.place if self.newest else self._place,
            condition=condition,
            age=age,
            fault=self._fault or waited,
        )


def read_router(state: Path) -> tuple[RouterReading, str]:
    """Return what the server that is live on a state folder tells, and its URL.

    Args:
        state: the folder.

    Raises:
        KanariaError: there is none, or it does not answer as one.
    """
    url = state_folder.live_url(state)
    if not url:
        raise NotReadyError(f"no server is live on {state}: `kanaria serve` starts one")
    text = _get(f"{url}/metrics")
    return RouterReading(samples=parsed(text), faults=_faults(_get(f"{url}/"))), url


def _faults(text: str) -> dict[tuple[str, str], str]:
    try:
        services = json.loads(text)["services"]
        return {(one["namespace"], one["name"]): str(one.get("fault", "")) for one in services}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"not the services of a local server: {shown(text)}") from error


def read_rollouts(state: Path) -> tuple[list[Rollout], str]:
    """Return the newest rollout of every service of a state folder, and the folder.

    Args:
        state: the folder.

    Raises:
        KanariaError: one is damaged.
    """
    store = FileStore(state)
    stored = (store.load(one.namespace, one.name) for one in state_folder.services(state))
    return [one.rollout for one in stored if one is not None], str(state)


def read_drift_server(url: str) -> tuple[Samples, str]:
    """Return what a drift server tells, and its URL.

    Raises:
        KanariaError: it does not answer as one.
    """
    return parsed(_get(f"{url.rstrip('/')}/metrics", authorization_for(url))), url


def read_drift_store(store: str) -> tuple[Samples, str]:
    """Return what a drift server without watches would tell of a store, and its location.

    Args:
        store: path of a SQLite file, or a connection URI of PostgreSQL.

    Raises:
        KanariaError: it cannot be read.
    """
    with contextlib.closing(open_reader(store)) as reader:
        return parsed(scraped(reader, None).decode()), store


def _get(url: str, headers: dict[str, str] | None = None) -> str:
    answer = ask("GET", url, ANSWER_SECONDS, headers=headers or {})
    if answer.status != HTTPStatus.OK:
        raise NotReadyError(f"{url}: {answer.status or 'no answer'}: {shown(answer.text)}")
    return answer.text
