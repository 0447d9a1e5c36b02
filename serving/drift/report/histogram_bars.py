"""Reference and window over the same bars, for the eye. Pure.

References that keep values or counts tell how they are distributed; others tell nothing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.alibi.alibi_detect import AlibiReference
from kanaria.serving.drift.detector import Reference
from kanaria.serving.drift.references.counts_reference import CountsReference, side_by_side
from kanaria.serving.drift.references.rows_reference import RowsReference
from kanaria.serving.drift.references.sample_reference import SampleReference
from kanaria.serving.drift.references.sorted_reference import SortedReference
from kanaria.serving.drift.references.table_reference import TableReference
from kanaria.serving.drift.report.column_measures import mean_of
from kanaria.serving.drift.report_records import Bars, Column
from kanaria.serving.drift.table_columns import categories, is_numeric, numbers
from kanaria.serving.drift.univariate.fisher_exact import ONE

Array = NDArray[Any]
MISSING_VALUES = "missing_values"
BINS, MOST_KINDS = 20, 12
MOST_WHOLE = 32
"""Whole numbers in a row that have a bar each, as hours, weekdays, months and days of a month."""
MOST_EXACT = 2.0**52
"""Beyond it whole numbers are not told apart."""
OUTER = (0.01, 0.99)
"""Quantiles between which the bars of numbers lie; what is beyond is in the outermost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """What a reference tells of one feature.

    Attributes:
        rows: with or without a value.
        present: with a value.
        values: ascending numbers, where it keeps those.
        kinds: its categories, ascending, where it counts those.
        counts: of `kinds`.
    """

    rows: int
    present: int
    values: Array | None = None
    kinds: Array | None = None
    counts: Array | None = None

    def column(self, name: str) -> Column:
        """Return the statistics of the reference's column."""
        held = self.values is not None and len(self.values) > 0
        mean = mean_of(self.values) if held and self.values is not None else None
        return Column(name=name, rows=self.rows, missing=self.rows - self.present, mean=mean)


def distributions(reference: Reference, detector: str = "") -> Mapping[str, Distribution]:
    """Return what `reference` tells of its features; empty where it keeps no distributions.

    Args:
        reference: of a detector.
        detector: its name; that of missing values counts rows without a value.
    """
    if isinstance(reference, TableReference):
        by_feature = {**distributions(reference.numbers), **distributions(reference.categories)}
        return {name: by_feature[name] for name in reference.features}
    if isinstance(reference, SortedReference):
        return {name: _numbers(reference.rows, v) for name, v in reference.values.items()}
    if isinstance(reference, RowsReference | AlibiReference):
        columns = zip(reference.features, reference.values.T, strict=True)
        return {name: _numbers(reference.rows, np.sort(values)) for name, values in columns}
    if isinstance(reference, SampleReference):
        return {name: _of_values(values) for name, values in reference.columns.items()}
    if isinstance(reference, CountsReference):
        of_one = _of_mask if detector == MISSING_VALUES else _of_counts
        return {name: of_one(reference, name) for name in reference.kinds}
    return {}


def _numbers(rows: int, values: Array) -> Distribution:
    return Distribution(rows=rows, present=len(values), values=values)


def _of_values(values: Array) -> Distribution:
    if is_numeric(values):
        return _numbers(len(values), numbers(values, ""))
    kinds, counts = np.unique(categories(values), return_counts=True)
    return Distribution(rows=len(values), present=int(counts.sum()), kinds=kinds, counts=counts)


def _of_counts(reference: CountsReference, name: str) -> Distribution:
    kinds, counts = reference.kinds[name], reference.counts[name]
    return Distribution(rows=reference.rows, present=int(counts.sum()), kinds=kinds, counts=counts)


def _of_mask(reference: CountsReference, name: str) -> Distribution:
    missing = reference.counts[name][reference.kinds[name] == ONE]
    return Distribution(rows=reference.rows, present=reference.rows - int(missing.sum()))


def bars(name: str, reference: Distribution, window: Array) -> Bars | None:
    """Return both distributions; None where one has no values or they are of different kinds."""
    try:
        if reference.values is not None:
            return _of_numbers(reference.values, numbers(window, name))
        if reference.kinds is None or reference.counts is None:
            return None
        own = np.unique(categories(window), return_counts=True)
        return _of_kinds(*side_by_side((reference.kinds, reference.counts), own))
    except DataError:
        return None  # The detector has said of these values what is wrong with them.


def _of_numbers(reference: Array, window: Array) -> Bars | None:
    reference, window = reference[np.isfinite(reference)], window[np.isfinite(window)]
    if not len(reference) or not len(window):
        return None
    if _are_few_whole(reference, window):
        return _of_whole(reference, window)
    with np.errstate(over="ignore", invalid="ignore"):  # What is not finite is left out below.
        ends = np.quantile(reference, OUTER), np.quantile(window, OUTER)
        low, high = float(np.min(ends)), float(np.max(ends))
        # Beside 1e300 a step of one is none.
        edges = np.linspace(low, high if high > low else low + max(1.0, abs(low) / 2), BINS + 1)
    if not np.isfinite(edges).all():
        return None  # The numbers are farther apart than any number is large.
    heights = [
        np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
        for values in (reference, window)
    ]
    return Bars(
        edges=tuple(edges.tolist()),
        reference=tuple(heights[0].tolist()),
        window=tuple(heights[1].tolist()),
    )


def _are_few_whole(reference: Array, window: Array) -> bool:
    # As Python floats, whose difference may be infinite without a warning.
    least, most = (
        float(min(reference.min(), window.min())),
        float(max(reference.max(), window.max())),
    )
    if most - least >= MOST_WHOLE or abs(least) > MOST_EXACT:
        return False
    return all(bool(np.all(values == np.floor(values))) for values in (reference, window))


def _of_whole(reference: Array, window: Array) -> Bars:
    """Return a bar for each whole number, so that what was expected of each is told."""
    least = int(min(reference.min(), window.min()))
    most = int(max(reference.max(), window.max()))
    heights = [
        np.bincount((values - least).astype(np.int64), minlength=most - least + 1) / len(values)
        for values in (reference, window)
    ]
    return Bars(
        kinds=tuple(map(str, range(least, most + 1))),
        reference=tuple(heights[0].tolist()),
        window=tuple(heights[1].tolist()),
    )


def _of_kinds(kinds: Array, counts: Array) -> Bars | None:
    totals = counts.sum(axis=1)
    if not totals.all():
        return None
    held = counts / totals[:, np.newaxis]
    order = np.argsort(-held.max(axis=0), kind="stable")
    shown, rest = order[:MOST_KINDS], order[MOST_KINDS:]
    names = [str(kinds[place]) for place in shown] + (["other"] if len(rest) else [])
    heights = [
        [*row[shown].tolist(), *([float(row[rest].sum())] if len(rest) else [])] for row in held
    ]
    return Bars(kinds=tuple(names), reference=tuple(heights[0]), window=tuple(heights[1]))
