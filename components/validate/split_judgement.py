"""Judges the statistics of every split: TFDV's anomalies, and comparators that act. No files."""

from collections.abc import Mapping
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.validate import anomalies as tfdv_anomalies
from kanaria.components.validate import comparators, private_tfdv
from kanaria.components.validate.comparators import Comparator, Distance


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What every split is judged by.

    Attributes:
        schema: the schema in force.
        environment: schema environment, or "" for none.
        serving: statistics of serving data, or None.
        notes: what the making of the schema has to tell.
    """

    schema: schema_pb2.Schema
    environment: str = ""
    serving: statistics_pb2.DatasetFeatureStatisticsList | None = None
    notes: tuple[str, ...] = ()

    def comparators(self) -> list[Comparator]:
        """Return the skew comparators in force."""
        return comparators.in_force(self.schema, self.environment, "skew")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One split's result.

    Attributes:
        anomalies: TFDV's own.
        reasons: every anomaly, and every comparator that could not be computed.
        distances: what the comparators measured.
    """

    anomalies: anomalies_pb2.Anomalies
    reasons: tuple[Reason, ...]
    distances: tuple[Distance, ...]


def judge_split(
    split: str, statistics: statistics_pb2.DatasetFeatureStatisticsList, rules: Rules
) -> Judged:
    """Validate one split; with serving statistics skew comparators act."""
    anomalies = private_tfdv.anomalies(
        statistics, rules.schema, rules.environment, serving=rules.serving
    )
    reasons, distances = tfdv_anomalies.reasons(anomalies, split), list[Distance]()
    if rules.serving is not None:
        failed, distances = comparators.measured(
            split, rules.comparators(), anomalies, statistics, rules.serving
        )
        reasons += failed
    return Judged(anomalies=anomalies, reasons=tuple(reasons), distances=tuple(distances))


def _skipped(rules: Rules) -> list[str]:
    """Say which configured comparators had nothing to compare with."""
    skew = len(rules.comparators())
    if not skew or rules.serving is not None:
        return []
    return [f"{skew} skew comparators were skipped: no serving statistics were given"]


def outcome(judged: Mapping[str, Judged], rules: Rules) -> Outcome:
    """Return the verdict over all splits: it passes if and only if no reason is an ERROR."""
    reasons = [reason for one in judged.values() for reason in one.reasons]
    reasons += comparators.unsupported(rules.schema)
    return Outcome(
        step="validate_data",
        passed=not any(reason.severity == "ERROR" for reason in reasons),
        reasons=comparators.in_order(reasons),
        notes=(
            *rules.notes,
            *_skipped(rules),
            *(str(distance) for one in judged.values() for distance in one.distances),
        ),
        thresholds={str(c): c.threshold for c in rules.comparators()},
    )
