"""What many explained rows say together: mean |SHAP| of each feature over slices. Pure.

The intervals are of the explained rows: how far the mean would move with other rows of the split.
They hold the background fixed.

Source: Efron, "Bootstrap methods: another look at the jackknife" (1979); percentile intervals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1_000
CONFIDENCE = 0.95
MOST_SLICES = 200
"""Those with most rows; the others are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureImportance:
    """One feature in one slice.

    Attributes:
        feature: its name.
        mean_abs: mean |SHAP|, in units of the explained quantity.
        standard_error: of it, over the slice's rows; None below two rows.
        low: lower end of its interval; None below two rows.
        high: upper end.
        mean: mean SHAP value: to which side it moves the answer.
    """

    feature: str
    mean_abs: float
    standard_error: float | None
    low: float | None
    high: float | None
    mean: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceImportance:
    """All features in one slice, the most important one first.

    Attributes:
        slice: its name; "" for all rows.
        rows: how many were explained.
        mean_prediction: mean of the explained quantity.
        features: their importance.
    """

    slice: str
    rows: int
    mean_prediction: float
    features: tuple[FeatureImportance, ...]

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def members(
    columns: Sequence[tuple[str, ...]], values: Mapping[str, Sequence[Sequence[str]]], rows: int
) -> dict[str, list[int]]:
    """Return slice -> its rows, all rows first as "", then those with most rows.

    Args:
        columns: of each kind of slice.
        values: column -> the values of each row as text; a row without any is in no slice of it.
        rows: how many there are.
    """
    slices: dict[str, list[int]] = {}
    for names in columns:
        for row in range(rows):
            for name in _names_of(names, [values[column][row] for column in names]):
                slices.setdefault(name, []).append(row)
    largest = sorted(slices, key=lambda name: (-len(slices[name]), name))
    return {"": list(range(rows)), **{name: slices[name] for name in largest}}


def _names_of(columns: Sequence[str], values: Sequence[Sequence[str]]) -> list[str]:
    names = [""]
    for column, options in zip(columns, values, strict=True):
        stems = [f"{name}, " if name else "" for name in names]
        names = [f"{stem}{column}:{value}" for stem in stems for value in dict.fromkeys(options)]
    return names


def of_slice(
    name: str, features: Sequence[str], values: Floats, predictions: Floats, seed: int
) -> SliceImportance:
    """Return the importance of each feature over the rows of one slice.

    Args:
        name: of the slice.
        features: names, in the order of the values.
        values: SHAP values, shape (rows, features), at least one row.
        predictions: the explained quantity, shape (rows,).
        seed: of the bootstrap.
    """
    absolute = np.abs(values)
    mean_abs, rows = absolute.mean(axis=0), len(values)
    low, high, error = _bounds(absolute, seed) if rows > 1 else (None, None, None)
    whole = [
        FeatureImportance(
            feature=feature,
            mean_abs=float(mean_abs[place]),
            standard_error=None if error is None else float(error[place]),
            low=None if low is None else float(low[place]),
            high=None if high is None else float(high[place]),
            mean=float(values[:, place].mean()),
        )
        for place, feature in enumerate(features)
    ]
    ordered = sorted(whole, key=lambda item: (-item.mean_abs, item.feature))
    return SliceImportance(
        slice=name, rows=rows, mean_prediction=float(predictions.mean()), features=tuple(ordered)
    )


def _bounds(absolute: Floats, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return both ends of the intervals of the means, and their standard errors."""
    draw, rows = np.random.default_rng(seed), len(absolute)
    # How often each row is drawn says all of a resample.
    counts = draw.multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES)
    means = counts @ absolute / rows
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    error = absolute.std(axis=0, ddof=1) / np.sqrt(rows)
    return low, high, error
