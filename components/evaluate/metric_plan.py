"""What an EvalConfig asks TFMA to compute, as TFMA plans it, and how each of it is done here."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kanaria.components.evaluate import (
    calibration_histograms,
    private_combiners,
    private_keras_sums,
    undefined_metrics,
)
from kanaria.components.evaluate import private_tfma as private
from kanaria.components.evaluate.eval_config import slice_columns
from kanaria.components.evaluate.private_tfma import tfma
from kanaria.components.evaluate.slices import BOOTSTRAP, JACKKNIFE
from kanaria.components.evaluate.sum_tables import Summing


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The metrics over rows, or over the queries of one query key.

    Attributes:
        query_key: column that groups rows into queries; "" for metrics over rows.
        computations: TFMA's computations with combiners, set up.
        summing: of each computation how it adds up, None where it does not.
        separated: TFMA's plan with derived and cross-slice computations.
        intervals: TFMA's parameters of confidence intervals.
    """

    query_key: str
    computations: tuple[Any, ...]
    summing: tuple[Summing | None, ...]
    separated: Any
    intervals: Any

    @property
    def method(self) -> str:
        """Return the method of confidence intervals, "" for none."""
        if self.intervals.num_jackknife_samples:
            return JACKKNIFE
        return BOOTSTRAP if self.intervals.num_bootstrap_samples else ""

    @property
    def samples(self) -> int:
        """Return how many samples intervals are made of."""
        count = self.intervals.num_jackknife_samples or self.intervals.num_bootstrap_samples
        return int(count)

    def row_by_row(self) -> tuple[str, ...]:
        """Return the names of metrics that are always computed row by row."""
        return tuple(
            computation.keys[0].name
            for computation, summing in zip(self.computations, self.summing, strict=True)
            if summing is None and not private_keras_sums.is_one(computation)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be computed.

    Attributes:
        config: the `tfma.EvalConfig` for the models at hand.
        groups: metrics over rows, and over the queries of each query key.
        columns: columns that slices are made of.
        baseline: name of the baseline, None without one.
    """

    config: Any
    groups: tuple[Group, ...]
    columns: frozenset[str]
    baseline: str | None

    @property
    def sql(self) -> bool:
        """Tell whether slices are named in SQL."""
        return any(spec.slice_keys_sql for spec in self.config.slicing_specs)

    def needs_features(self) -> bool:
        """Tell whether any column may be read: by SQL, queries, or metrics that see features."""
        return self.sql or any(group.query_key or group.row_by_row() for group in self.groups)


def _group(query_key: str, specs: list[Any], config: Any) -> Group:
    separated = private.separate_computations(
        private.metric_specs.to_computations(specs, eval_config=config)
    )
    computations = tuple(separated.non_derived_computations)
    for computation in computations:
        computation.combiner.setup()
    return Group(
        query_key=query_key,
        computations=computations,
        summing=tuple(None if query_key else private_combiners.of(each) for each in computations),
        separated=separated,
        intervals=private.confidence_interval_params(config, specs),
    )


@lru_cache(maxsize=4)
def of(config: bytes) -> Plan:
    """Return the plan of a config; each process makes it once.

    Args:
        config: bytes of a `tfma.EvalConfig` for exactly the models at hand.
    """
    undefined_metrics.install()
    calibration_histograms.install()
    parsed = tfma.EvalConfig.FromString(config)
    by_query: dict[str, list[Any]] = {}
    for spec in parsed.metrics_specs:
        by_query.setdefault(spec.query_key, []).append(spec)
    return Plan(
        config=parsed,
        groups=tuple(_group(key, specs, parsed) for key, specs in by_query.items()),
        columns=frozenset(slice_columns(parsed)),
        baseline=next((spec.name for spec in parsed.model_specs if spec.is_baseline), None),
    )
