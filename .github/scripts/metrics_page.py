"""The page of all metrics, written from the registries of the servers themselves."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from kanaria.pipelines.run_metrics import run_gauges
from kanaria.pipelines.run_metrics.exporter import Exporter
from kanaria.pipelines.run_metrics.local_facts import LocalFacts
from kanaria.serving.drift_server import store_gauges
from kanaria.serving.drift_server.server_metrics import Metrics as DriftMetrics
from kanaria.serving.drift_watch import verdict_gauges, watch_states
from kanaria.serving.local.router.router_metrics import Metrics as RouterMetrics
from kanaria.serving.payload_log.open_store import open_reader, open_store
from kanaria.serving.payload_log.write_queue import Intake
from kanaria.serving.rollout.control.controller_metrics import ControllerMetrics
from kanaria.serving.stream.stream_metrics import Metrics as StreamMetrics
from kanaria.serving.triggers.trigger_metrics import TriggerMetrics

Row = tuple[str, str, tuple[str, ...], str]
"""Name, type, labels, meaning."""
HEAD = """
What each server tells Prometheus at `/metrics`. Sizes are bytes, times seconds, shares 0 to 1. A
name that ends in `_timestamp_seconds` is a moment since 1970; one that ends in `_total` is a
counter, which begins at zero with its process.

- `namespace` and `service` are those of the InferenceService, so a scrape has `honor_labels: true`,
  as the monitors of `manifests/components/prometheus` do.
- A series goes with the rollout, revision, service, watch or schedule that it tells of.
- Several drift servers on one PostgreSQL show the same gauges: take `max without (instance, pod)`.
- Every server has `process_*` too, and `kanaria_build_info`, 1 with `server` and `version`.
"""


def page(mark: str) -> str:
    """Return the page."""
    lines = ["# Metrics", "", mark, HEAD.rstrip(), ""]
    for title, command, rows in _servers():
        lines += [f"## {title}", "", f"{command}.", ""]
        lines += ["| Metric | Type | Labels | Meaning |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {meaning} |"
            for name, kind, labels, meaning in sorted(rows)
        ]
        lines.append("")
    return "\n".join(lines)


def _servers() -> Iterator[tuple[str, str, Iterable[Row]]]:
    rollout = _rows(ControllerMetrics(tuple)._registry)  # noqa: SLF001
    yield "The rollout controller", "`python -m kanaria.serving.rollout --port 8080`", rollout
    yield "The drift server", "`kanaria drift serve`", list(_drift())
    router = _rows(RouterMetrics([])._registry)  # noqa: SLF001
    yield "Local serving", "`kanaria serve`", router
    trigger = _rows(TriggerMetrics(())._registry)  # noqa: SLF001
    yield "Triggers", "`kanaria trigger serve`", trigger
    yield "Streams", "`kanaria stream`", _rows(StreamMetrics()._registry)  # noqa: SLF001
    runs = "`kanaria runs metrics`, of a KFP server or of the runs of this machine"
    yield "Pipeline runs", runs, list(_pipelines())


def _drift() -> Iterator[Row]:
    yield from _rows(DriftMetrics()._registry)  # noqa: SLF001
    states = watch_states.gauges([]).decode()
    for family in text_string_to_metric_families(states):
        yield family.name, family.type, ("namespace", "service", "detector"), family.documentation
    with tempfile.TemporaryDirectory() as folder:
        location = str(Path(folder) / "events.db")
        intake = Intake(open_store(location))
        with closing(open_reader(location)) as reader:
            texts = store_gauges.of_intake(intake) + store_gauges.of_store(reader)
        intake.close()
    labels = {"bytes": store_gauges.ROOM, "dropped": store_gauges.ROOM}
    labels |= dict.fromkeys(
        ("oldest_event_timestamp_seconds", "newest_event_timestamp_seconds"), store_gauges.SERVICE
    )
    for family in text_string_to_metric_families(texts.decode()):
        short = family.name.removeprefix("kanaria_store_")
        yield _name(family), family.type, labels.get(short, ()), family.documentation
    for name, of_gauge, meaning in verdict_gauges.described():
        yield name, "gauge", of_gauge, meaning


def _pipelines() -> Iterator[Row]:
    yield from _rows(Exporter(LocalFacts(Path("none")))._registry)  # noqa: SLF001
    for family in run_gauges.families((), ()):
        yield family.name, family.type, run_gauges.LABELS, family.documentation


def _rows(registry: CollectorRegistry) -> list[Row]:
    rows = []
    for collector in registry._collector_to_names:  # noqa: SLF001  # Nothing else tells labels.
        for family in _families(collector):
            if family.name.startswith("kanaria_") and family.name != "kanaria_build_info":
                labels = getattr(collector, "_labelnames", getattr(family, "_labelnames", ()))
                row = (_name(family), family.type, tuple(labels), family.documentation)
                rows.append(row)
    return rows


def _families(collector: object) -> Iterable[Metric]:
    describe = getattr(collector, "describe", None) or collector.collect  # type: ignore[attr-defined]
    return list(describe())


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name
