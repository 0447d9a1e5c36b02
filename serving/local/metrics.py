"""What the router counts, per revision, in Prometheus form."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

LABELS = ("namespace", "service", "revision")
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)


class Metrics:
    """Counters of one router."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "kanaria_requests",
            "Requests by the code they were answered with.",
            (*LABELS, "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "kanaria_request_seconds",
            "Seconds from a request's arrival at the router to its answer.",
            LABELS,
            buckets=SECONDS,
            registry=self._registry,
        )

    def count(self, namespace: str, service: str, revision: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(namespace, service, revision, str(code)).inc()
        self._seconds.labels(namespace, service, revision).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
