"""Whether each watch works, as the watching process tells the server beside it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from pydantic import TypeAdapter, ValidationError


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Of one watch.

    Attributes:
        namespace: of the service.
        service: that is watched.
        name: of the watch.
        broken: why no window of it can be tested now, "" where it works.
    """

    namespace: str
    service: str
    name: str
    broken: str = ""


_LINE = TypeAdapter(tuple[State, ...])


def line(states: Iterable[State]) -> str:
    """Return states as one line of JSON."""
    return _LINE.dump_json(tuple(states)).decode()


def read(text: bytes) -> tuple[State, ...] | None:
    """Return the states of a line, None where it holds none."""
    try:
        return _LINE.validate_json(text)
    except ValidationError:
        return None


def plain(states: Iterable[State]) -> list[dict[str, str]]:
    """Return states as plain values for JSON."""
    return [asdict(state) for state in states]


def gauges(states: Iterable[State]) -> bytes:
    """Return in Prometheus' text format which watches are broken."""
    registry = CollectorRegistry()
    gauge = Gauge(
        "kanaria_drift_watch_broken",
        "1 while no window of a watch can be tested; the readiness says why.",
        ("namespace", "service", "detector"),
        registry=registry,
    )
    for state in states:
        gauge.labels(state.namespace, state.service, state.name).set(bool(state.broken))
    return generate_latest(registry)
