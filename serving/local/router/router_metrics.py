"""What the router counts, per revision, in Prometheus form."""

from collections.abc import Iterable

from prometheus_client import Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kanaria.serving.local.controller.service_controller import LiveService
from kanaria.serving.local.payload_logger.event_sinks import Outcome
from kanaria.serving.protocol.payload_cloud_event import Origin
from kanaria.serving.server_registry import server_registry

LABELS = ("namespace", "service", "revision")
STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
SECONDS = (*(step * scale for scale in (0.001, 0.01, 0.1, 1.0) for step in STEPS), 10.0, 60.0)
"""Bounds close enough to tell an answer from one that takes half as long again."""


class Metrics:
    """Counters of one router."""

    def __init__(self, services: Iterable[LiveService]) -> None:
        """Start at zero; restarts are counted by the runners of the services."""
        self._registry = server_registry("local")
        self._registry.register(RevisionSeries(services))
        self._requests = self._counter(
            "requests", "Requests posted, by the code they were answered with.", "code"
        )
        self._seconds = self._histogram(
            "request_seconds", "Seconds from a request's last byte at the router to its answer."
        )
        self._mirrored = self._counter(
            "mirrored_requests", "Copies of requests by the code a shadow answered with.", "code"
        )
        self._mirrored_seconds = self._histogram(
            "mirrored_request_seconds", "Seconds that a shadow took for a copy of a request."
        )
        self._omitted = self._counter(
            "mirror_omitted", "Requests not copied since too many copies wait for the shadow."
        )
        self._events = self._counter(
            "local_payload_log_events",
            "Payload events by what became of them: sent, dropped (too many waited) or failed.",
            "outcome",
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"kanaria_{name}", meaning, (*LABELS, *labels), registry=self._registry)

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(
            f"kanaria_{name}", meaning, LABELS, buckets=SECONDS, registry=self._registry
        )

    def count(self, namespace: str, service: str, revision: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(namespace, service, revision, str(code)).inc()
        self._seconds.labels(namespace, service, revision).observe(seconds)

    def count_mirrored(
        self, namespace: str, service: str, revision: str, code: int, seconds: float
    ) -> None:
        """Count one copy of a request that a shadow answered."""
        self._mirrored.labels(namespace, service, revision, str(code)).inc()
        self._mirrored_seconds.labels(namespace, service, revision).observe(seconds)

    def count_omitted(self, namespace: str, service: str, revision: str) -> None:
        """Count one request that was not copied since too many copies wait for answers."""
        self._omitted.labels(namespace, service, revision).inc()

    def count_event(self, origin: Origin, outcome: Outcome) -> None:
        """Count one event of the payload log."""
        labels = (origin.namespace, origin.service, origin.revision, outcome)
        self._events.labels(*labels).inc()

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class RevisionSeries(Collector):
    """Tells of the revisions that there are whenever it is scraped; none outlives its revision."""

    def __init__(self, services: Iterable[LiveService]) -> None:
        """Look at these services whenever asked."""
        self._services = services

    def describe(self) -> tuple[CounterMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        """Return the metrics without values."""
        restarts = CounterMetricFamily(
            "kanaria_predictor_restarts", "Starts of a predictor after its first.", labels=LABELS
        )
        ready = GaugeMetricFamily(
            "kanaria_revision_ready", "1 while a revision's predictor answers.", labels=LABELS
        )
        shares = GaugeMetricFamily(
            "kanaria_revision_traffic_ratio",
            "Share of the requests to its service that a revision gets, 0 to 1.",
            labels=LABELS,
        )
        return restarts, ready, shares

    def collect(self) -> tuple[Metric, ...]:
        """Return the metrics with their values."""
        restarts, ready, shares = self.describe()
        for live in self._services:
            percents = {share.revision: share.percent for share in live.shares}
            for revision, runner in live.runners.items():
                labels = (live.namespace, live.name, revision)
                restarts.add_metric(labels, runner.restarts)
                ready.add_metric(labels, live.port(revision) is not None)
                shares.add_metric(labels, percents.get(revision, 0) / 100)
        return restarts, ready, shares
