"""What the drift server counts, in Prometheus form."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kanaria.serving.payload_log.exchanges import Outcome, Stream
from kanaria.serving.payload_log.retention import LABELS, Kept, Service
from kanaria.serving.payload_log.store_reader import Coverage

STREAM = ("namespace", "service", "version")
ROOM = ("kind", "namespace", "service")
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """Counters of one server; they begin at zero with each process."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        self._shown: Mapping[Service, int] = {}
        self._events = Counter(
            "kanaria_payload_events",
            "Payload events that were answered, by type and what became of them.",
            ("type", "outcome"),
            registry=self._registry,
        )
        self._refused = Counter(
            "kanaria_payload_refused",
            "Events and label uploads of which nothing is kept. Malformed: attributes, body, "
            "labels, query, size. Late: slow. Shed: full, connections, services. Failed: disk. "
            "Not admitted: token, host, origin. No HTTP: headers.",
            ("reason",),
            registry=self._registry,
        )
        self._labels = Counter(
            "kanaria_labels",
            "Labels that were answered, by what became of them.",
            ("outcome",),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "kanaria_payload_answer_seconds",
            "Seconds from an event's arrival to its answer.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._waiting = Gauge(
            "kanaria_store_waiting",
            "Events and labels that wait to be written.",
            registry=self._registry,
        )
        self._watching = Gauge(
            "kanaria_drift_watching",
            "1 while the process that tests windows runs, 0 while it does not or is not to.",
            registry=self._registry,
        )
        self._writes = Gauge(
            "kanaria_store_ready",
            "Whether the store could be written when it was last tried, about a second ago.",
            registry=self._registry,
        )
        self._add_room()
        self._coverage = Gauge(
            "kanaria_label_coverage_ratio",
            "Share of the instances in the newest window due for labels that have one.",
            STREAM,
            registry=self._registry,
        )
        self._lag = Gauge(
            "kanaria_label_lag_seconds",
            "Mean seconds from an exchange to the arrival of its label, in that window.",
            STREAM,
            registry=self._registry,
        )

    def _add_room(self) -> None:
        self._bytes = Gauge(
            "kanaria_store_bytes",
            "About what a service's events, or all labels, take in the store.",
            ROOM,
            registry=self._registry,
        )
        self._dropped = Counter(
            "kanaria_store_dropped",
            "Exchanges, and labels, that this process removed for want of room in the store.",
            ROOM,
            registry=self._registry,
        )

    def count_event(self, kind: str, outcome: Outcome, seconds: float) -> None:
        """Count an event that is on the disk."""
        self._events.labels(kind, outcome.value).inc()
        self._seconds.observe(seconds)

    def count_labels(self, outcomes: Sequence[Outcome]) -> None:
        """Count labels that are on the disk."""
        for outcome in Outcome:
            self._labels.labels(outcome.value).inc(outcomes.count(outcome))

    def count_refusal(self, reason: str) -> None:
        """Count something of which nothing is kept."""
        self._refused.labels(reason).inc()

    def show_room(self, rooms: Mapping[Service, Kept], dropped: Mapping[Service, int]) -> None:
        """Show who has what in the store, and who lost what to others' room."""
        self._bytes.clear()
        for service, one in rooms.items():
            self._bytes.labels(_kind(service), *service).set(one.bytes)
        for service, count in dropped.items():
            new = count - self._shown.get(service, 0)
            self._dropped.labels(_kind(service), *service).inc(new)
        self._shown = dropped

    def show_coverage(self, coverages: Sequence[tuple[Stream, Coverage]]) -> None:
        """Show the labels' coverage and lag of the streams that have traffic; others go."""
        self._coverage.clear()
        self._lag.clear()
        for stream, coverage in coverages:
            key = (stream.namespace, stream.service, stream.version)
            self._coverage.labels(*key).set(coverage.labelled / coverage.rows)
            if coverage.labelled:
                self._lag.labels(*key).set(coverage.mean_lag)

    def text(self, waiting: int, writes: bool, watching: bool | None) -> bytes:
        """Return all metrics in Prometheus' text format.

        Args:
            waiting: items that wait to be written.
            writes: whether the store could be written when it was last tried.
            watching: whether the watching process runs, None where there is to be none.
        """
        if watching is not None:
            self._watching.set(watching)
        self._waiting.set(waiting)
        self._writes.set(writes)
        return generate_latest(self._registry)


def _kind(service: Service) -> str:
    return "labels" if service == LABELS else "events"
