"""Runs and schedules as Prometheus shows them, worked out anew from what was read last. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from kanaria.pipelines.run_metrics.run_facts import Ending, RunFact, ScheduleFact

LABELS = ("pipeline", "schedule")
RUNS = {
    "last_start_timestamp_seconds": "When the newest run began.",
    "last_success_timestamp_seconds": "When the newest run that succeeded ended.",
    "last_failure_timestamp_seconds": "When the newest run that failed ended.",
    "last_duration_seconds": "How long the run took that ended last.",
    "last_failed": "1 when the run that ended last failed, 0 when it succeeded.",
    "runs_active": "Runs that have not ended.",
    "blessed_timestamp_seconds": "When the newest blessed model was released.",
    "blessed_start_timestamp_seconds": "When the run began that released it: later data is not "
    "in it.",
    "blessed_data_day_timestamp_seconds": "00:00 UTC of the newest day of its data, where its "
    "spans are days and the run says which.",
}
SCHEDULES = {
    "schedule_enabled": "1 while a schedule begins runs, 0 while it is paused.",
    "schedule_due_timestamp_seconds": "When a schedule should have begun a run last.",
}


def families(runs: Iterable[RunFact], schedules: Iterable[ScheduleFact]) -> Iterator[Metric]:
    """Yield the metrics of all runs and schedules; a run of a pipeline without name is left out."""
    groups: dict[tuple[str, str], list[RunFact]] = defaultdict(list)
    for run in runs:
        if run.pipeline:
            groups[run.pipeline, run.schedule].append(run)
    values = {key: _of_runs(group) for key, group in sorted(groups.items())}
    yield from _written(RUNS, values)
    planned = {(one.pipeline, one.name): _of_schedule(one) for one in schedules}
    yield from _written(SCHEDULES, planned)


def _written(
    names: dict[str, str], values: dict[tuple[str, str], dict[str, float | None]]
) -> Iterator[Metric]:
    for name, meaning in names.items():
        family = GaugeMetricFamily(f"kanaria_pipeline_{name}", meaning, labels=LABELS)
        for key, of_key in values.items():
            value = of_key[name]
            if value is not None:
                family.add_metric(key, value)
        yield family


def _of_runs(runs: Sequence[RunFact]) -> dict[str, float | None]:
    # One that a person ended says nothing of the pipeline.
    ended = [run for run in runs if run.ended and run.ending in (Ending.SUCCEEDED, Ending.FAILED)]
    last = max(ended, key=lambda run: run.ended or 0.0, default=None)
    return {
        "last_start_timestamp_seconds": max(run.started for run in runs),
        "last_success_timestamp_seconds": _newest(ended, Ending.SUCCEEDED),
        "last_failure_timestamp_seconds": _newest(ended, Ending.FAILED),
        "last_duration_seconds": None
        if last is None
        else max(0.0, (last.ended or 0.0) - last.started),
        "last_failed": None if last is None else float(last.ending is Ending.FAILED),
        "runs_active": sum(run.ending is None for run in runs),
        **_of_blessed([run for run in runs if run.blessed]),
    }


def _of_blessed(runs: Sequence[RunFact]) -> dict[str, float | None]:
    newest = max(runs, key=lambda run: run.blessed or 0.0, default=None)
    return {
        "blessed_timestamp_seconds": newest.blessed if newest else None,
        "blessed_start_timestamp_seconds": newest.started if newest else None,
        "blessed_data_day_timestamp_seconds": newest.data_day if newest else None,
    }


def _newest(ended: Sequence[RunFact], ending: Ending) -> float | None:
    return max((run.ended or 0.0 for run in ended if run.ending is ending), default=None)


def _of_schedule(schedule: ScheduleFact) -> dict[str, float | None]:
    return {
        "schedule_enabled": float(schedule.enabled),
        "schedule_due_timestamp_seconds": schedule.due if schedule.enabled else None,
    }
