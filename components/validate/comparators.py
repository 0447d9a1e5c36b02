"""Skew and drift comparators: which are in force, and which have no honest measurement.

TFDV leaves out a comparison it cannot make, or reports a number that means nothing (0 for the
infinity norm of a number). Here each comparator in force is measured, or it is an error. Pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from kanaria.components.shared.artifacts.outcome import Reason

Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
Measurement = anomalies_pb2.DriftSkewInfo.Measurement
MEASURES = {
    "infinity_norm": Measurement.L_INFTY,
    "jensen_shannon_divergence": Measurement.JENSEN_SHANNON_DIVERGENCE,
    "normalized_abs_difference": Measurement.NORMALIZED_ABSOLUTE_DIFFERENCE,
}
NEEDS_COUNTS = ("infinity_norm", "normalized_abs_difference")
KIND = "COMPARATOR_NOT_COMPUTED"
BASELINES = {"drift": "the statistics of the deployed release", "skew": "the serving statistics"}
# TFDV leaves out features of these stages, so their comparators are not in force either.
LEFT_OUT_STAGES = ("PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED")


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparator:
    """One configured comparison.

    Attributes:
        feature: name of the feature.
        kind: "drift" (against the deployed release) or "skew" (against serving statistics).
        measure: field name of the distance in `FeatureComparator`.
        threshold: largest distance that passes, 0 to 1; None when the schema gives none.
    """

    feature: str
    kind: str
    measure: str
    threshold: float | None

    @property
    def key(self) -> tuple[str, str, int]:
        """Return where `distances` holds its measurement."""
        return self.feature, self.kind, MEASURES[self.measure]

    def __str__(self) -> str:
        """Name it for a person."""
        return f"{self.kind} {self.measure} of {self.feature}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """How far a split is from what a comparator compares it with.

    Attributes:
        comparator: what was asked; it has a threshold.
        split: name of the split.
        value: the distance, 0 to 1.
    """

    comparator: Comparator
    split: str
    value: float

    def __str__(self) -> str:
        """Return one sentence with the limit."""
        limit = self.comparator.threshold
        return f"{self.comparator} in {self.split} is {self.value:.4g}, the limit is {limit:.4g}"


def _in_force(feature: schema_pb2.Feature, default: set[str], environment: str) -> bool:
    if feature.deprecated:
        return False
    if schema_pb2.LifecycleStage.Name(feature.lifecycle_stage) in LEFT_OUT_STAGES:
        return False
    where = (default | set(feature.in_environment)) - set(feature.not_in_environment)
    return not environment or environment in where


def _of_feature(feature: schema_pb2.Feature) -> Iterator[Comparator]:
    for kind in BASELINES:
        comparator = getattr(feature, f"{kind}_comparator")
        for measure in MEASURES:
            if comparator.HasField(measure):
                limit = getattr(comparator, measure)
                threshold = limit.threshold if limit.HasField("threshold") else None
                yield Comparator(
                    feature=feature.name, kind=kind, measure=measure, threshold=threshold
                )


def in_force(schema: schema_pb2.Schema, environment: str, kind: str) -> list[Comparator]:
    """List the comparators of a kind of all features that TFDV validates.

    Args:
        schema: the schema in force.
        environment: schema environment, "" for any.
        kind: "drift" or "skew".
    """
    default = set(schema.default_environment)
    return [
        comparator
        for feature in schema.feature
        if _in_force(feature, default, environment)
        for comparator in _of_feature(feature)
        if comparator.kind == kind
    ]


def path_name(path: object) -> str:
    """Return the feature path of a proto as one name, for instance "fare"."""
    return ".".join(path.step)  # type: ignore[attr-defined]


def by_name(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> dict[str, Feature]:
    """Return feature name -> statistics of the one data set."""
    return {path_name(f.path) or f.name: f for f in statistics.datasets[0].features}


def distances(anomalies: anomalies_pb2.Anomalies) -> dict[tuple[str, str, int], float]:
    """Return (feature, "drift" or "skew", TFDV's code of the measure) -> distance."""
    return {
        (path_name(info.path), kind, measurement.type): measurement.value
        for info in anomalies.drift_skew_info
        for kind in BASELINES
        for measurement in getattr(info, f"{kind}_measurements")
    }


def _unfit(comparator: Comparator, feature: Feature | None, where: str) -> str:
    """Say why one side of the comparison cannot be measured; "" when it can."""
    if feature is None:
        return f"{where} have no such feature"
    which = feature.WhichOneof("stats")
    if not which or not getattr(feature, which).common_stats.num_non_missing:
        return f"the feature has no value in {where}"
    if comparator.measure in NEEDS_COUNTS and which != "string_stats":
        return (
            f"{where} hold it as a number without counts by value; use jensen_shannon_divergence, "
            "or declare it categorical in the schema"
        )
    return ""


def why_not_computed(
    comparator: Comparator,
    current: Feature | None,
    baseline: Feature | None,
    distance: float | None,
) -> str:
    """Say why `distance` is not an honest measurement; "" when it is.

    Args:
        comparator: what was asked.
        current: the feature in the data that is validated, None when it is absent.
        baseline: the feature in what it is compared with, None when it is absent.
        distance: what TFDV measured, None when it measured nothing.
    """
    if comparator.threshold is None:
        return "it has no threshold in the schema; add one"
    sides = ((current, "the data"), (baseline, BASELINES[comparator.kind]))
    for feature, where in sides:
        if why := _unfit(comparator, feature, where):
            return why
    if distance is None or distance != distance:  # NaN is the only value unlike itself.
        kinds = " and ".join(
            Feature.Type.Name(feature.type) for feature, _ in sides if feature is not None
        )
        return f"TFDV gives no distance between {kinds}; mend the types or the comparator"
    return ""


def not_computed(
    wanted: Iterable[Comparator],
    anomalies: anomalies_pb2.Anomalies,
    current: statistics_pb2.DatasetFeatureStatisticsList,
    baseline: statistics_pb2.DatasetFeatureStatisticsList,
) -> dict[Comparator, str]:
    """Return why, for each of `wanted` that has no honest measurement.

    Args:
        wanted: comparators of one kind.
        anomalies: TFDV's result for the split.
        current: statistics of the split.
        baseline: what the comparators compare it with.
    """
    measured, features, side = distances(anomalies), by_name(current), by_name(baseline)
    reasons = {
        c: why_not_computed(c, features.get(c.feature), side.get(c.feature), measured.get(c.key))
        for c in wanted
    }
    return {c: why for c, why in reasons.items() if why}


def error(comparator: Comparator, split: str, why: str) -> Reason:
    """Return the reason for a comparator that could not be computed in `split`."""
    text = f"{comparator} in {split} could not be computed: {why}"
    return Reason(severity="ERROR", subject=comparator.feature, kind=KIND, text=text, split=split)


def measured(
    split: str,
    wanted: Iterable[Comparator],
    anomalies: anomalies_pb2.Anomalies,
    current: statistics_pb2.DatasetFeatureStatisticsList,
    baseline: statistics_pb2.DatasetFeatureStatisticsList,
) -> tuple[list[Reason], list[Distance]]:
    """Return an error for each comparator without an honest distance, and the others' distances.

    Args:
        split: name of the split.
        wanted: comparators of one kind.
        anomalies: TFDV's result for the split.
        current: statistics of the split.
        baseline: what the comparators compare it with.
    """
    wanted = list(wanted)
    failed = not_computed(wanted, anomalies, current, baseline)
    values = distances(anomalies)
    honest = [
        Distance(comparator=c, split=split, value=values[c.key]) for c in wanted if c not in failed
    ]
    return [error(c, split, why) for c, why in failed.items()], honest


def in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return errors first, then by feature and split."""
    return tuple(sorted(reasons, key=lambda r: (r.severity != "ERROR", r.subject, r.split)))


def unsupported(schema: schema_pb2.Schema) -> list[Reason]:
    """Return an error for a comparator that has no baseline in any run."""
    if not schema.dataset_constraints.HasField("num_examples_version_comparator"):
        return []
    text = (
        "num_examples_version_comparator could not be computed: statistics of another version of "
        "the same data are never given; use num_examples_drift_comparator"
    )
    return [Reason(severity="ERROR", subject="the data set", kind=KIND, text=text)]
