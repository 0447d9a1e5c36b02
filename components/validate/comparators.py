"""Skew and drift comparators: which are configured, and which could not be computed.

TFDV leaves out a comparison it cannot make, or reports 0 for it. Here each configured comparator
must have a measurement, or it is an error.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from kanaria.components.shared.outcome import Reason

MEASURES = {
    "infinity_norm": anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY,
    "jensen_shannon_divergence": anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE,
    "normalized_abs_difference": anomalies_pb2.DriftSkewInfo.Measurement.NORMALIZED_ABSOLUTE_DIFFERENCE,
}
KIND = "COMPARATOR_NOT_COMPUTED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparator:
    """One configured comparison.

    Attributes:
        feature: name of the feature.
        kind: "drift" (against previous statistics) or "skew" (against serving statistics).
        measure: field name of the distance in `FeatureComparator`.
        threshold: largest distance that passes, >= 0.
    """

    feature: str
    kind: str
    measure: str
    threshold: float

    def __str__(self) -> str:
        """Name it for a person."""
        return f"{self.kind} {self.measure} of {self.feature}"


def configured(schema: schema_pb2.Schema) -> list[Comparator]:
    """List every comparator of the schema's features."""
    return [
        Comparator(
            feature=feature.name,
            kind=kind,
            measure=measure,
            threshold=getattr(comparator, measure).threshold,
        )
        for feature in schema.feature
        for kind, comparator in (
            ("drift", feature.drift_comparator),
            ("skew", feature.skew_comparator),
        )
        for measure in MEASURES
        if measure in comparator.DESCRIPTOR.fields_by_name and comparator.HasField(measure)
    ]


def _measured(anomalies: anomalies_pb2.Anomalies) -> Iterator[tuple[str, str, int, float]]:
    for info in anomalies.drift_skew_info:
        name = ".".join(info.path.step)
        for kind, found in (("drift", info.drift_measurements), ("skew", info.skew_measurements)):
            for measurement in found:
                yield name, kind, measurement.type, measurement.value


def distances(
    wanted: list[Comparator], anomalies: anomalies_pb2.Anomalies
) -> dict[Comparator, float]:
    """Return the distance TFDV measured for each comparator that it could compute."""
    found = {(name, kind, code): value for name, kind, code, value in _measured(anomalies)}
    keys = {c: (c.feature, c.kind, MEASURES[c.measure]) for c in wanted}
    return {c: found[key] for c, key in keys.items() if key in found}


def _is_numeric(
    name: str, schema: schema_pb2.Schema, statistics: statistics_pb2.DatasetFeatureStatistics
) -> bool:
    """Tell whether TFDV keeps no counts by value for the feature, only moments and histograms."""
    kinds = [f.type for f in statistics.features if ".".join(f.path.step) == name]
    categorical = [
        f.int_domain.is_categorical for f in schema.feature if f.name == name and f.type == 2
    ]
    number = (statistics_pb2.FeatureNameStatistics.INT, statistics_pb2.FeatureNameStatistics.FLOAT)
    return any(kind in number for kind in kinds) and not any(categorical)


def not_computed(
    wanted: list[Comparator],
    anomalies: anomalies_pb2.Anomalies,
    schema: schema_pb2.Schema,
    statistics: statistics_pb2.DatasetFeatureStatistics,
    split: str,
) -> list[Reason]:
    """Return an error for each of `wanted` that has no honest measurement.

    Args:
        wanted: comparators whose baseline was given.
        anomalies: TFDV's result for the split.
        schema: the schema in force.
        statistics: of the split.
        split: its name.
    """
    computed = distances(wanted, anomalies)
    reasons = []
    for comparator in wanted:
        # TFDV reports an infinity norm of 0 for a numeric feature, whatever its values.
        blind = comparator.measure == "infinity_norm" and _is_numeric(
            comparator.feature, schema, statistics
        )
        if comparator in computed and not blind:
            continue
        why = (
            "infinity_norm needs a categorical feature; use jensen_shannon_divergence"
            if blind
            else "the feature has no values in the data or in the baseline"
        )
        reasons.append(
            Reason(
                severity="ERROR",
                subject=comparator.feature,
                kind=KIND,
                text=f"{comparator} could not be computed: {why}",
                split=split,
            )
        )
    return reasons
