"""What the drift server counts, in Prometheus form."""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from kanaria.serving.payload_log.exchanges import Outcome, Stream
from kanaria.serving.payload_log.store_reader import Coverage
from kanaria.serving.protocol.payload_cloud_event import Kind
from kanaria.serving.server_registry import server_registry

STREAM = ("namespace", "service", "version")
REFUSALS = {
    "malformed": ("attributes", "body", "labels", "query", "size"),
    "late": ("slow",),
    "shed": ("full", "connections", "services"),
    "failed": ("disk",),
    "not admitted": ("token", "host", "origin"),
    "no HTTP": ("headers",),
}
"""Every reason for which nothing is kept of a request, by what it says of it."""
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """Counters of one server; they begin at zero with each process."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = server_registry("drift")
        self._events = Counter(
            "kanaria_payload_events",
            "Payload events that were answered, by type and what became of them.",
            ("type", "outcome"),
            registry=self._registry,
        )
        self._refused = Counter(
            "kanaria_payload_refused",
            "Events and label uploads of which nothing is kept. "
            + " ".join(f"{what.capitalize()}: {', '.join(why)}." for what, why in REFUSALS.items()),
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
        self._watching = Gauge(
            "kanaria_drift_watching",
            "1 while the process that tests windows runs, 0 while it does not or is not to.",
            registry=self._registry,
        )
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
        self._begin()

    def _begin(self) -> None:
        """Show at zero what has not happened yet, so that its first time is an increase."""
        for reasons in REFUSALS.values():
            for reason in reasons:
                self._refused.labels(reason)
        for outcome in Outcome:
            self._labels.labels(outcome.value)
            for kind in Kind:
                self._events.labels(kind.half, outcome.value)

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

    def show_coverage(self, coverages: Sequence[tuple[Stream, Coverage]]) -> None:
        """Show the labels' coverage and lag of the streams that have traffic; others go."""
        self._coverage.clear()
        self._lag.clear()
        for stream, coverage in coverages:
            key = (stream.namespace, stream.service, stream.version)
            self._coverage.labels(*key).set(coverage.labelled / coverage.rows)
            if coverage.labelled:
                self._lag.labels(*key).set(coverage.mean_lag)

    def text(self, watching: bool | None) -> bytes:
        """Return what was counted in Prometheus' text format.

        Args:
            watching: whether the watching process runs, None where there is to be none.
        """
        if watching is not None:
            self._watching.set(watching)
        return generate_latest(self._registry)
