"""Looks at runs every minute and tells Prometheus of them over HTTP."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from prometheus_client import Counter, Gauge, generate_latest

from kanaria.components.shared.errors import KanariaError
from kanaria.pipelines.run_metrics.run_facts import Facts, RunFact, ScheduleFact
from kanaria.pipelines.run_metrics.run_gauges import families
from kanaria.serving.health_port import open_port
from kanaria.serving.server_registry import server_registry, written

logger = logging.getLogger(__name__)
LOOK_SECONDS = 60.0


class Exporter:
    """What was seen at the last look, for probes and for Prometheus."""

    def __init__(self, facts: Facts, now: Callable[[], float] = time.time) -> None:
        """Look at `facts`; `now` is the clock, seconds since 1970."""
        self._facts, self._now = facts, now
        self._lock = threading.Lock()
        self._last_facts: tuple[Sequence[RunFact], Sequence[ScheduleFact]] = ((), ())
        self._cause = "it has not looked yet"
        self._registry = server_registry("pipelines")
        self._last = Gauge(
            "kanaria_pipeline_last_read_timestamp_seconds",
            "When the runs were read last.",
            registry=self._registry,
        )
        self._errors = Counter(
            "kanaria_pipeline_read_errors",
            "Looks at the runs that failed, by the kind of error.",
            ("reason",),
            registry=self._registry,
        )

    def look(self) -> None:
        """Read the runs; where that fails, what was seen last stands, with its time."""
        try:
            facts, cause = self._facts.look(self._now()), ""
        except KanariaError as error:
            if str(error) != self._cause:
                logger.warning("%s", error)
            self._errors.labels(type(error).__name__).inc()
            self._cause = str(error)
            return
        with self._lock:
            self._last_facts, self._cause = facts, cause
        self._last.set(self._now())

    def stuck(self) -> str:
        """Return "": a look that hangs is one whose time Prometheus sees grow old."""
        return ""

    def unready(self) -> str:
        """Return why the runs are not known now, "" where they are."""
        return self._cause

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        with self._lock:
            runs, schedules = self._last_facts
        return generate_latest(self._registry) + written(families(runs, schedules))


def serve(facts: Facts, host: str, port: int, tell: Callable[[str], object]) -> NoReturn:
    """Look and answer until a signal ends it.

    Args:
        facts: of the runs.
        host: address to listen on.
        port: 0 takes a free one.
        tell: is told the address.

    Raises:
        NotReadyError: the port is taken.
    """
    exporter = Exporter(facts)
    with open_port(exporter, host, port) as taken:
        tell(f"metrics of pipeline runs on http://{host}:{taken}/metrics")
        while True:
            exporter.look()
            time.sleep(LOOK_SECONDS)
