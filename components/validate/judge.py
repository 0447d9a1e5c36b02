"""Judges the statistics of every split: TFDV's anomalies, and comparators that act. No files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from kanaria.components.shared.outcome import Outcome, Reason
from kanaria.components.validate import anomalies as tfdv_anomalies
from kanaria.components.validate import baselines, comparators


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What every split is judged by.

    Attributes:
        schema: the schema in force.
        environment: schema environment, or "" for none.
        previous: split name -> statistics of the deployed release; empty on a first run.
        serving: statistics of serving data, or None.
        notes: what the making of the schema has to tell.
    """

    schema: schema_pb2.Schema
    environment: str = ""
    previous: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList] = field(
        default_factory=dict
    )
    serving: statistics_pb2.DatasetFeatureStatisticsList | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One split's result.

    Attributes:
        anomalies: TFDV's own.
        reasons: every anomaly, and every comparator that could not be computed.
        notes: the distances measured and what stood in for what.
    """

    anomalies: anomalies_pb2.Anomalies
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]


def _without_size_comparison(schema: schema_pb2.Schema) -> schema_pb2.Schema:
    copy = schema_pb2.Schema()
    copy.CopyFrom(schema)
    copy.dataset_constraints.ClearField("num_examples_drift_comparator")
    return copy


def _has_size_comparison(schema: schema_pb2.Schema) -> bool:
    return schema.dataset_constraints.HasField("num_examples_drift_comparator")


def _without_split(
    wanted: Iterable[comparators.Comparator], split: str, rules: Rules
) -> list[Reason]:
    """Return an error for each drift comparator when the release has no split to compare with."""
    why = (
        f"the deployed release has no statistics of split {split} or {baselines.STAND_IN}; "
        f"it has: {', '.join(sorted(rules.previous))}"
    )
    reasons = [comparators.error(c, split, why) for c in wanted if c.kind == "drift"]
    if _has_size_comparison(rules.schema):
        text = f"num_examples_drift_comparator in {split} could not be computed: {why}"
        subject = tfdv_anomalies.DATA_SET
        kind = comparators.KIND
        reasons.append(Reason(severity="ERROR", subject=subject, kind=kind, text=text, split=split))
    return reasons


def _distance_notes(
    wanted: Iterable[comparators.Comparator], found: anomalies_pb2.Anomalies, split: str
) -> list[str]:
    measured = comparators.distances(found)
    return [
        f"{c} in {split} is {measured[c.key]:.4g}, the limit is {c.threshold:.4g}" for c in wanted
    ]


def judge_split(
    split: str, statistics: statistics_pb2.DatasetFeatureStatisticsList, rules: Rules
) -> Judged:
    """Validate one split; every comparator with a baseline gives a distance or an error."""
    name, previous = baselines.of_split(dict(rules.previous), split)
    schema, notes = rules.schema, []
    if previous is not None and name != split:
        schema = _without_size_comparison(schema)
        notes.append(f"{split} is compared with split {name} of the release, which has no {split}")
    found = tfdv.validate_statistics(
        statistics,
        schema,
        environment=rules.environment or None,
        previous_statistics=previous,
        serving_statistics=rules.serving,
    )
    given = {"drift": previous, "skew": rules.serving}
    sides = {kind: side for kind, side in given.items() if side is not None}
    wanted = comparators.in_force(schema, rules.environment)
    computable = [c for c in wanted if c.kind in sides]
    failed = comparators.not_computed(computable, found, statistics, sides)
    notes += _distance_notes([c for c in computable if c not in failed], found, split)
    reasons = tfdv_anomalies.reasons(found, split)
    reasons += [comparators.error(c, split, why) for c, why in failed.items()]
    if rules.previous and previous is None:
        reasons += _without_split(wanted, split, rules)
    return Judged(anomalies=found, reasons=tuple(reasons), notes=tuple(notes))


def _skipped(rules: Rules) -> list[str]:
    """Say which configured comparators had nothing to compare with."""
    wanted = comparators.in_force(rules.schema, rules.environment)
    of_size = _has_size_comparison(rules.schema)
    drift, skew = (sum(c.kind == kind for c in wanted) for kind in ("drift", "skew"))
    notes = []
    if (drift or of_size) and not rules.previous:
        notes.append(f"{drift + of_size} drift comparators were skipped: nothing is deployed yet")
    if skew and rules.serving is None:
        notes.append(f"{skew} skew comparators were skipped: no serving statistics were given")
    return notes


def outcome(judged: Mapping[str, Judged], rules: Rules) -> Outcome:
    """Return the verdict over all splits: it passes if and only if no reason is an ERROR."""
    reasons = [reason for one in judged.values() for reason in one.reasons]
    reasons += comparators.unsupported(rules.schema)
    reasons.sort(key=lambda reason: (reason.severity != "ERROR", reason.subject, reason.split))
    wanted = comparators.in_force(rules.schema, rules.environment)
    return Outcome(
        step="validate_data",
        passed=not any(reason.severity == "ERROR" for reason in reasons),
        reasons=tuple(reasons),
        notes=(
            *rules.notes,
            *_skipped(rules),
            *(note for one in judged.values() for note in one.notes),
        ),
        thresholds={str(c): c.threshold for c in wanted},
    )
