"""What the reports of this folder show: data sets beside each other, and what was found of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from kanaria.components.shared.artifacts.outcome import Outcome
from kanaria.components.shared.html_report.specs import COLORS
from kanaria.components.validate.comparators import Distance, by_name
from kanaria.components.validate.histograms import Feature

Statistics = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]
Features: TypeAlias = list[Feature | None]


@dataclass(frozen=True, kw_only=True)
class Data:
    """What is shown.

    Attributes:
        splits: split name -> statistics, at least one.
        baselines: name -> statistics that the splits are compared with; may be empty.
        schema: the schema in force.
    """

    splits: Statistics
    baselines: Statistics = field(default_factory=dict)
    schema: schema_pb2.Schema = field(default_factory=schema_pb2.Schema)

    @property
    def all(self) -> Statistics:
        """Return every data set, the splits first."""
        return {**self.splits, **self.baselines}

    @property
    def shown(self) -> list[str]:
        """Return the names of the data sets that have a colour."""
        return list(self.all)[: len(COLORS)]

    @cached_property
    def features(self) -> dict[str, Features]:
        """Return feature -> its statistics in each set shown, None where it is absent."""
        by_name_of_sets = [by_name(self.all[name]) for name in self.shown]
        names = {name: None for of_set in by_name_of_sets for name in of_set}
        return {name: [of_set.get(name) for of_set in by_name_of_sets] for name in sorted(names)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgements:
    """What was found about each feature.

    Attributes:
        severities: feature -> the gravest severity.
        distances: feature -> its measured distances.
    """

    severities: Mapping[str, str]
    distances: Mapping[str, Sequence[Distance]]

    @classmethod
    def of(cls, outcome: Outcome, distances: Sequence[Distance]) -> "Judgements":
        """Sort what was found by feature."""
        severities: dict[str, str] = {}
        for reason in outcome.reasons:
            if severities.get(reason.subject) != "ERROR":
                severities[reason.subject] = reason.severity
        measured: dict[str, list[Distance]] = {}
        for distance in distances:
            measured.setdefault(distance.comparator.feature, []).append(distance)
        return cls(severities=severities, distances=measured)


def ratio(distance: Distance) -> float:
    """Return how many times its limit a distance is."""
    limit = distance.comparator.threshold or 0.0
    return distance.value / limit if limit else (float("inf") if distance.value else 0.0)
