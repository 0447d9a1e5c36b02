"""The page's numbers, kept up to date as long as its server runs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kanaria.serving.live_page import drift_states, live_sources, service_states
from kanaria.serving.live_page.live_sources import Feed, Reading, RouterReading
from kanaria.serving.live_page.metric_samples import NOTHING, Samples
from kanaria.serving.live_page.page_state import DRIFT, ROLLOUTS, ROUTER, PageState, Source
from kanaria.serving.live_page.request_counts import counted
from kanaria.serving.live_page.request_history import RequestHistory, Scrape
from kanaria.serving.live_page.rollout_states import rollout_state
from kanaria.serving.rollout.control.stored_rollout import Rollout

SECONDS = 2.0
"""Between two looks at a server."""
STORE_SECONDS = 10.0
"""Between two looks at a store of payload events, which are dearer."""
WINDOW_SECONDS, MINUTE = 300.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """What is looked at.

    Attributes:
        state: state folder of local serving.
        drift_server: URL, "" for none.
        store: of payload events, read where no drift server is named; "" for none.
    """

    state: Path
    drift_server: str = ""
    store: str = ""


class LivePage:
    """Looks at everything; lives in one event loop."""

    def __init__(self, places: Places) -> None:
        """Look at nothing before `looking`."""
        state = places.state
        self._history = RequestHistory(time.monotonic())
        self._router = Feed[RouterReading](
            ROUTER, str(state), lambda: live_sources.read_router(state), SECONDS
        )
        self._rollouts = Feed[list[Rollout]](
            ROLLOUTS, str(state), lambda: live_sources.read_rollouts(state), SECONDS
        )
        self._drift = _drift_feed(places)

    @asynccontextmanager
    async def looking(self, ended: Callable[[], None]) -> AsyncIterator[None]:
        """Look for the block's time; `ended` is called if looking ends by an error of ours."""
        runs = [self._router.run(self._count), self._rollouts.run()]
        runs += [self._drift.run()] if self._drift else []
        tasks = [asyncio.create_task(run) for run in runs]
        for task in tasks:
            task.add_done_callback(lambda done: None if done.cancelled() else ended())
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def state(self) -> PageState:
        """Return what is to be shown now."""
        now, moment = time.monotonic(), time.time()
        router = (
            self._router.newest.value
            if self._router.newest
            else RouterReading(samples=NOTHING, faults={})
        )
        samples: Samples = (
            self._drift.newest.value if self._drift and self._drift.newest else NOTHING
        )
        newest = self._history.newest(WINDOW_SECONDS, now)
        return PageState(
            at=moment,
            window_seconds=newest.seconds,
            sources={source.name: source for source in self._sources(now)},
            services=service_states.services(
                router.samples, router.faults, newest, self._history.by(MINUTE, now)
            ),
            rollouts=[
                rollout_state(one, moment)
                for one in (self._rollouts.newest.value if self._rollouts.newest else ())
            ],
            drift=drift_states.drift(samples, moment),
            quality=drift_states.quality(samples),
        )

    def _sources(self, now: float) -> list[Source]:
        sources = [self._router.source(now), self._rollouts.source(now)]
        return [*sources, self._drift.source(now)] if self._drift else sources

    def _count(self, reading: Reading[RouterReading]) -> None:
        samples = reading.value.samples
        process = samples.value("process_start_time_seconds")
        age = None if process is None else time.time() - process
        scrape = Scrape(at=reading.at, process=process, age=age, counts=counted(samples))
        self._history.add(scrape)


def _drift_feed(places: Places) -> Feed[Samples] | None:
    url, store = places.drift_server, places.store
    if url:
        return Feed(DRIFT, url, lambda: live_sources.read_drift_server(url), SECONDS)
    if store:
        return Feed(DRIFT, store, lambda: live_sources.read_drift_store(store), STORE_SECONDS)
    return None
