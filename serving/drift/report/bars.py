"""Reference and window over the same bars, for the eye. Pure.

References that keep values or counts tell how they are distributed; others tell nothing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.columns import categories, numbers
from kanaria.serving.drift.counted import CountedReference, side_by_side
from kanaria.serving.drift.ordered import OrderedReference
from kanaria.serving.drift.protocol import Reference
from kanaria.serving.drift.report.records import Bars, Column
from kanaria.serving.drift.table import TableReference

Array = NDArray[Any]
BINS, MOST_KINDS = 20, 12
OUTER = (0.01, 0.99)
"""Quantiles between which the bars of numbers lie; what is beyond is in the outermost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a reference tells of one feature.

    Attributes:
        rows: with or without a value.
        values: ascending numbers, where it keeps those.
        kinds: its categories, ascending, where it counts those.
        counts: of `kinds`.
    """

    rows: int
    values: Array | None = None
    kinds: Array | None = None
    counts: Array | None = None

    @property
    def is_numeric(self) -> bool:
        """Whether numbers are compared; else categories."""
        return self.values is not None

    def column(self, name: str) -> Column:
        """Return the statistics of the reference's column."""
        if self.values is not None:
            mean = float(self.values.mean()) if len(self.values) else None
            return Column(
                name=name, rows=self.rows, missing=self.rows - len(self.values), mean=mean
            )
        held = 0 if self.counts is None else int(self.counts.sum())
        return Column(name=name, rows=self.rows, missing=self.rows - held)


def known(reference: Reference) -> Mapping[str, Known]:
    """Return what `reference` tells of its features; empty where it keeps no distributions."""
    if isinstance(reference, TableReference):
        found = {**known(reference.numbers), **known(reference.categories)}
        return {name: found[name] for name in reference.features}
    if isinstance(reference, OrderedReference):
        return {n: Known(rows=reference.rows, values=v) for n, v in reference.values.items()}
    if isinstance(reference, CountedReference):
        return {
            name: Known(rows=reference.rows, kinds=kinds, counts=reference.counts[name])
            for name, kinds in reference.kinds.items()
        }
    return {}


def bars(name: str, reference: Known, window: Array) -> Bars | None:
    """Return both distributions; None where one has no values or they are of different kinds."""
    try:
        if reference.values is not None:
            return _of_numbers(reference.values, numbers(window, name))
        if reference.kinds is None or reference.counts is None:
            return None
        own = np.unique(categories(window), return_counts=True)
        return _of_kinds(*side_by_side(name, (reference.kinds, reference.counts), own))
    except DataError:
        return None  # The detector has said of these values what is wrong with them.


def _of_numbers(reference: Array, window: Array) -> Bars | None:
    reference, window = reference[np.isfinite(reference)], window[np.isfinite(window)]
    if not len(reference) or not len(window):
        return None
    ends = np.quantile(reference, OUTER), np.quantile(window, OUTER)
    low, high = float(np.min(ends)), float(np.max(ends))
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    heights = [
        np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
        for values in (reference, window)
    ]
    return Bars(
        edges=tuple(edges.tolist()),
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
