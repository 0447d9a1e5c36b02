"""The work of validate_data."""

from dataclasses import dataclass
from pathlib import Path

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from kanaria.components.shared import atomic, examples, outcome
from kanaria.components.shared.outcome import Outcome, Reason
from kanaria.components.shared.record_batches import record_batches
from kanaria.components.validate import anomalies as anomaly_reasons
from kanaria.components.validate import baselines, comparators, private_tfdv, report, schema

ROWS_PER_BATCH = 20_000
ANOMALIES_FILE = "SchemaDiff.pb"

Statistics = dict[str, statistics_pb2.DatasetFeatureStatisticsList]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidateRequest:
    """What to validate and against what.

    Attributes:
        examples: examples artifact; every split is validated.
        schema_file: text proto of the user, or "" to infer one.
        environment: schema environment to validate in, or "".
        deployed: URI of the release whose statistics are the previous ones, or "".
        serving_statistics: URI of statistics of serving data, or "".
    """

    examples: Path
    schema_file: str = ""
    environment: str = ""
    deployed: str = ""
    serving_statistics: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Final paths of the artifacts, each published atomically."""

    statistics: Path
    schema: Path
    anomalies: Path
    outcome: Path
    report: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Baselines:
    """Statistics to compare with; empty or None where none were given."""

    previous: Statistics
    serving: statistics_pb2.DatasetFeatureStatisticsList | None


def _statistics(folder: Path) -> Statistics:
    names = sorted(examples.split_names(folder), key=lambda name: (name != "train", name))
    return {
        name: private_tfdv.statistics(
            record_batches(examples.split_files(folder, name), ROWS_PER_BATCH)
        )
        for name in names or ["train"]  # split_files explains what is missing.
    }


def _judge_split(
    split: str,
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
    under: schema_pb2.Schema,
    environment: str,
    against: Baselines,
) -> tuple[anomalies_pb2.Anomalies, list[Reason], list[str]]:
    """Return TFDV's anomalies of a split, all reasons, and the distances as notes."""
    previous = against.previous.get(split)
    found = tfdv.validate_statistics(
        statistics,
        under,
        environment=environment or None,
        previous_statistics=previous,
        serving_statistics=against.serving,
    )
    given = {"drift": bool(against.previous), "skew": against.serving is not None}
    wanted = [c for c in comparators.configured(under) if given[c.kind]]
    reasons = anomaly_reasons.reasons(found, split)
    reasons += comparators.not_computed(wanted, found, under, statistics.datasets[0], split)
    notes = [
        f"{c} in {split} is {value:.5g}, the limit is {c.threshold:.5g}"
        for c, value in comparators.distances(wanted, found).items()
    ]
    return found, reasons, notes


def _skipped(under: schema_pb2.Schema, against: Baselines) -> list[str]:
    """Say which configured comparators had nothing to compare with."""
    kinds = {comparator.kind for comparator in comparators.configured(under)}
    notes = []
    if "drift" in kinds and not against.previous:
        notes.append("drift comparators were skipped: nothing is deployed yet")
    if "skew" in kinds and against.serving is None:
        notes.append("skew comparators were skipped: no serving statistics were given")
    return notes


def validate(request: ValidateRequest, targets: Targets) -> Outcome:
    """Write statistics, schema, anomalies, outcome and report; return the outcome.

    Raises:
        ParameterError: the schema does not know the environment.
        DataError: there are no examples, or a schema or baseline cannot be read.
    """
    under = schema.given(request.schema_file) if request.schema_file else None
    against = Baselines(
        previous=baselines.previous(request.deployed),
        serving=baselines.serving(request.serving_statistics),
    )
    statistics = _statistics(request.examples)
    under = under or schema.inferred(statistics)
    schema.check_environment(under, request.environment)
    judged = {
        split: _judge_split(split, found, under, request.environment, against)
        for split, found in statistics.items()
    }
    verdict = _outcome(under, judged.values(), _skipped(under, against))
    _write(targets, statistics, under, {split: found for split, (found, _, _) in judged.items()})
    drawn = {**statistics, **{f"deployed {k}": v for k, v in against.previous.items()}}
    atomic.write_text(targets.report, report.render(verdict, drawn))
    outcome.write(verdict, targets.outcome)
    return verdict


def _outcome(under: schema_pb2.Schema, judged: object, notes: list[str]) -> Outcome:
    results = list(judged)  # type: ignore[call-overload]
    reasons = [reason for _, found, _ in results for reason in found]
    reasons.sort(key=lambda reason: (reason.severity != "ERROR", reason.subject, reason.split))
    return Outcome(
        step="validate_data",
        passed=not any(reason.severity == "ERROR" for reason in reasons),
        reasons=tuple(reasons),
        notes=(*notes, *(note for _, _, found in results for note in found)),
        thresholds={str(c): c.threshold for c in comparators.configured(under)},
    )


def _write(
    targets: Targets,
    statistics: Statistics,
    under: schema_pb2.Schema,
    found: dict[str, anomalies_pb2.Anomalies],
) -> None:
    _write_protos(targets.statistics, baselines.FILE, statistics)
    _write_protos(targets.anomalies, ANOMALIES_FILE, found)
    with atomic.published(targets.schema) as temporary:
        schema.write(under, temporary)


def _write_protos(target: Path, name: str, protos: dict[str, object]) -> None:
    with atomic.published(target) as temporary:
        for split, proto in protos.items():
            (temporary / split).mkdir(parents=True)
            data = proto.SerializeToString(deterministic=True)  # type: ignore[attr-defined]
            (temporary / split / name).write_bytes(data)
