"""What every server of ours tells of itself to Prometheus: its process, and which build it is."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kanaria.components.shared.step_images import VERSION


def server_registry(server: str) -> CollectorRegistry:
    """Return a registry of its own for one server, with `process_*` and `kanaria_build_info`.

    The start time among them tells a reader that the counters began anew.

    Args:
        server: which one, a word: rollout, drift, local, trigger, stream or pipelines.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Gauge(
        "kanaria_build_info",
        "1, with the kind of server and the version of Kanaria that runs it.",
        ("server", "version"),
        registry=registry,
    )
    build.labels(server, VERSION).set(1)
    return registry


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def written(families: Iterable[Metric]) -> bytes:
    """Return families, which were worked out for one scrape, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry)
