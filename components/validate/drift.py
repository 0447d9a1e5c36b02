"""Judges how far the splits drifted from what the live release was trained on.

TFDV is loaded only where the schema has a comparator that needs it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from kanaria.components.shared.artifacts.outcome import Outcome, Reason
from kanaria.components.validate import anomalies as tfdv_anomalies
from kanaria.components.validate import baselines, comparators, private_tfdv
from kanaria.components.validate.comparators import Comparator, Distance

STEP = "compare_data"
OF_COMPARATORS = "COMPARATOR_"
"""How TFDV's kinds of anomalies begin that tell of a comparison."""
SIZE = "num_examples_drift_comparator"

Statistics = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What every split is compared with, and by which comparators.

    Attributes:
        schema: the schema in force.
        environment: schema environment, or "" for none.
        previous: split name -> statistics of the live release; empty on a first run.
    """

    schema: schema_pb2.Schema
    environment: str
    previous: Statistics

    def comparators(self) -> list[Comparator]:
        """Return the drift comparators in force."""
        return comparators.in_force(self.schema, self.environment, "drift")

    @property
    def compares_size(self) -> bool:
        """Tell whether the numbers of rows are compared too."""
        return self.schema.dataset_constraints.HasField(SIZE)

    @property
    def count(self) -> int:
        """Return how many comparators there are."""
        return len(self.comparators()) + self.compares_size


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One split's result.

    Attributes:
        anomalies: TFDV's own, those of the schema included; empty when TFDV was not asked.
        reasons: what the comparators found, and every one that could not be computed.
        notes: what stood in for what.
        distances: what the comparators measured.
    """

    anomalies: anomalies_pb2.Anomalies = field(default_factory=anomalies_pb2.Anomalies)
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    distances: tuple[Distance, ...] = ()


def _without_split(split: str, rules: Rules) -> Compared:
    """Return an error for each comparator: the release has no split to compare with."""
    why = (
        f"the deployed release has no statistics of split {split} or {baselines.STAND_IN}; "
        f"it has: {', '.join(sorted(rules.previous))}"
    )
    reasons = [comparators.error(c, split, why) for c in rules.comparators()]
    if rules.compares_size:
        text = f"{SIZE} in {split} could not be computed: {why}"
        reasons.append(
            Reason(
                severity="ERROR",
                subject=tfdv_anomalies.DATA_SET,
                kind=comparators.KIND,
                text=text,
                split=split,
            )
        )
    return Compared(reasons=tuple(reasons))


def _without_size_comparison(schema: schema_pb2.Schema) -> schema_pb2.Schema:
    copy = schema_pb2.Schema()
    copy.CopyFrom(schema)
    copy.dataset_constraints.ClearField(SIZE)
    return copy


def compare_split(
    split: str, statistics: statistics_pb2.DatasetFeatureStatisticsList, rules: Rules
) -> Compared:
    """Compare one split; every comparator gives a distance or an error.

    What else TFDV finds is validate_data's to judge.
    """
    name, previous = baselines.of_split(dict(rules.previous), split)
    if previous is None:
        return _without_split(split, rules)
    schema, notes = rules.schema, []
    if name != split:
        schema = _without_size_comparison(schema)
        notes.append(f"{split} is compared with split {name} of the release, which has no {split}")
    anomalies = private_tfdv.anomalies(statistics, schema, rules.environment, previous)
    failed, distances = comparators.measured(
        split, rules.comparators(), anomalies, statistics, previous
    )
    reasons = tfdv_anomalies.reasons(anomalies, split)
    drifted = [reason for reason in reasons if reason.kind.startswith(OF_COMPARATORS)]
    return Compared(
        anomalies=anomalies,
        reasons=(*drifted, *failed),
        notes=tuple(notes),
        distances=tuple(distances),
    )


def compare(statistics: Statistics, rules: Rules) -> dict[str, Compared]:
    """Compare every split, where a comparator asks for it and something is live."""
    if not rules.previous or not rules.count:
        return {name: Compared() for name in statistics}
    return {name: compare_split(name, of_split, rules) for name, of_split in statistics.items()}


def _notes(compared: Iterable[Compared], rules: Rules) -> list[str]:
    if not rules.count:
        return ["the schema has no drift comparator"]
    if not rules.previous:
        return [f"{rules.count} drift comparators were skipped: nothing is deployed yet"]
    return [note for one in compared for note in (*one.notes, *map(str, one.distances))]


def outcome(compared: Mapping[str, Compared], rules: Rules) -> Outcome:
    """Return the verdict over all splits: it passes if and only if no reason is an ERROR."""
    reasons = [reason for one in compared.values() for reason in one.reasons]
    return Outcome(
        step=STEP,
        passed=not any(reason.severity == "ERROR" for reason in reasons),
        reasons=comparators.in_order(reasons),
        notes=tuple(_notes(compared.values(), rules)),
        thresholds={str(c): c.threshold for c in rules.comparators()},
    )
