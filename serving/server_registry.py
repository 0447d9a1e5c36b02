"""What every server of ours tells of itself to Prometheus: its process, and which build it is."""

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector

from kanaria.components.shared.images import VERSION


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
