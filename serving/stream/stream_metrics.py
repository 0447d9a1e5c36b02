"""What a stream counts, in Prometheus form, and whether it goes on."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from kanaria.serving.server_registry import server_registry
from kanaria.serving.stream.messages import DeadLetter, Outcome, Reason

STUCK_SECONDS = 600.0
"""Without a turn of the loop; a broker that is away is waited for in it."""
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """Counters and health of one stream, from all its threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """Start at zero; `now` is a clock in seconds since 1970."""
        self._now, self._lock = now, threading.Lock()
        self._turned, self._waits_for, self._model_fault = now(), "it has not begun", ""
        self._registry = server_registry("stream")
        self._messages = self._counter(
            "messages", "Messages whose answers or dead letters the broker has.", "outcome"
        )
        self._dead = self._counter("dead_letters", "Dead letters by reason.", "reason")
        self._requests = self._counter(
            "model_requests", "Requests to the model by status; 0 where nobody answered.", "code"
        )
        self._commits = self._counter(
            "commits", "Commits of offsets, in a transaction or without.", "outcome"
        )
        self._sizes = self._histogram("batch_messages", "Messages of a batch.", SIZES)
        self._model_seconds = self._histogram(
            "model_seconds", "From a request to the model to its answer.", SECONDS
        )
        self._delay = self._histogram(
            "delay_seconds", "From a message's timestamp to its answer at the broker.", SECONDS
        )
        self._lag = Gauge(
            "kanaria_stream_lag_messages",
            "Messages that are not committed yet.",
            ("topic", "partition"),
            registry=self._registry,
        )
        self._in_flight = self._gauge("in_flight_messages", "Messages taken, not answered yet.")
        self._paused = self._gauge("paused", "1 while nothing is taken: too much is in flight.")
        self._last_commit = self._gauge(
            "last_commit_timestamp_seconds", "When offsets were committed last."
        )
        for outcome in ("scored", "dead"):
            self._messages.labels(outcome)
        for outcome in ("committed", "aborted"):
            self._commits.labels(outcome)
        for reason in Reason:
            self._dead.labels(reason.value)

    def _counter(self, name: str, text: str, label: str) -> Counter:
        return Counter(f"kanaria_stream_{name}", text, (label,), registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"kanaria_stream_{name}", text, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"kanaria_stream_{name}", text, buckets=buckets, registry=self._registry)

    def count_request(self, status: int, seconds: float) -> None:
        """Count a request to the model, with the seconds until its answer.

        Args:
            status: HTTP status of the answer, 0 for none.
            seconds: from the request to the answer, 0 or more.
        """
        self._requests.labels(str(status)).inc()
        self._model_seconds.observe(seconds)

    def count_batch(self, messages: int) -> None:
        """Count a batch that was taken.

        Args:
            messages: 1 or more.
        """
        self._sizes.observe(messages)

    def count_written(self, outcomes: Sequence[Outcome]) -> None:
        """Count what the broker has."""
        now = self._now()
        for outcome in outcomes:
            is_dead = isinstance(outcome, DeadLetter)
            self._messages.labels("dead" if is_dead else "scored").inc()
            if isinstance(outcome, DeadLetter):
                self._dead.labels(outcome.reason.value).inc()
            if outcome.message.timestamp:
                self._delay.observe(max(now - outcome.message.timestamp, 0.0))

    def count_commit(self, *, committed: bool) -> None:
        """Count a commit of offsets, or one that came to nothing."""
        self._commits.labels("committed" if committed else "aborted").inc()
        if committed:
            self._last_commit.set(self._now())

    def show_flow(self, in_flight: int, *, paused: bool) -> None:
        """Show what is on its way; the loop has made a turn.

        Args:
            in_flight: messages that were read and are not written, 0 or more.
            paused: whether reading waits for the model.
        """
        self._in_flight.set(in_flight)
        self._paused.set(paused)
        with self._lock:
            self._turned = self._now()

    def show_lag(self, lags: Mapping[tuple[str, int], int]) -> None:
        """Show the lag of the partitions that this process has; others go.

        Args:
            lags: topic and partition -> messages behind the end, 0 or more.
        """
        self._lag.clear()
        for (topic, partition), lag in lags.items():
            self._lag.labels(topic, str(partition)).set(lag)

    def show_start(self, waits_for: str) -> None:
        """Show what a stream that begins waits for, "" once it has begun."""
        with self._lock:
            self._waits_for, self._turned = waits_for, self._now()

    def show_model_fault(self, why: str) -> None:
        """Show why the model does not answer, "" when it does."""
        with self._lock:
            self._model_fault = why

    def stuck(self) -> str:
        """Return why the process should be started anew, or ""."""
        with self._lock:
            age = self._now() - self._turned
        return f"no turn for {age:.0f} s" if age > STUCK_SECONDS else ""

    def unready(self) -> str:
        """Return why messages are not answered now, or ""."""
        with self._lock:
            model = f"the model does not answer: {self._model_fault}" if self._model_fault else ""
            return self._waits_for or model

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
