"""The store and the queue before it in Prometheus form, worked out at each scrape.

Nothing is remembered between two scrapes, so no series outlives the service that it tells of.
"""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from kanaria.serving.payload_log.retention import LABELS, Service
from kanaria.serving.payload_log.store_reader import Reader
from kanaria.serving.payload_log.write_queue import Intake
from kanaria.serving.server_registry import written

SERVICE = ("namespace", "service")
ROOM = ("kind", *SERVICE)


def of_intake(intake: Intake) -> bytes:
    """Return what waits, and who has what in the store, in Prometheus' text format."""
    return written((*_waiting(intake), *_room(intake)))


def of_store(reader: Reader) -> bytes:
    """Return what is read from the store itself in Prometheus' text format."""
    return written(_on_disk(reader))


def _waiting(intake: Intake) -> Iterator[Metric]:
    limits = intake.limits
    values = {
        "waiting": ("Events and labels that wait to be written.", intake.depth),
        "waiting_limit": ("How many may; what is more is refused as full.", limits.items),
        "waiting_bytes": ("About what those that wait take in memory.", intake.depth_bytes),
        "waiting_limit_bytes": ("How much they may; more is refused.", limits.megabytes << 20),
        "ready": (
            "Whether the store could be written when it was last tried, about a second ago.",
            intake.writes,
        ),
        "limit_bytes": ("Size at which the store is held.", intake.most_bytes),
    }
    for name, (meaning, value) in values.items():
        yield GaugeMetricFamily(f"kanaria_store_{name}", meaning, value=value)


def _room(intake: Intake) -> Iterator[Metric]:
    """Show who has what in the store, and who lost what to others' room."""
    sizes = GaugeMetricFamily(
        "kanaria_store_bytes",
        "About what a service's events, or all labels, take in the store.",
        labels=ROOM,
    )
    dropped = CounterMetricFamily(
        "kanaria_store_dropped",
        "Exchanges, and labels, that this process removed for want of room in the store.",
        labels=ROOM,
    )
    losses = intake.dropped
    for service, one in intake.rooms.items():
        labels = (_kind(service), *service)
        sizes.add_metric(labels, one.bytes)
        dropped.add_metric(labels, losses.get(service, 0))
    return iter((sizes, dropped))


def _kind(service: Service) -> str:
    return "labels" if service == LABELS else "events"


def _on_disk(reader: Reader) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "kanaria_store_size_bytes",
        "What the store takes on the disk, with its indexes and what is free in it.",
        value=reader.bytes_on_disk(),
    )
    oldest = GaugeMetricFamily(
        "kanaria_store_oldest_event_timestamp_seconds",
        "When the oldest exchange that is kept of a service arrived.",
        labels=SERVICE,
    )
    newest = GaugeMetricFamily(
        "kanaria_store_newest_event_timestamp_seconds",
        "When the newest exchange of a service arrived.",
        labels=SERVICE,
    )
    for service, arrived in reader.arrivals().items():
        oldest.add_metric(service, arrived.oldest)
        newest.add_metric(service, arrived.newest)
    yield from (oldest, newest)
