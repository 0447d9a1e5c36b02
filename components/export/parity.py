"""Answers of two models side by side: how far floats differ, how often decisions agree. Pure.

A decision is the largest of several floats in an answer; the side of 0.5 of a single one, where
all of the SavedModel's lie between 0 and 1; of anything but floats the value itself. Other single
floats, as of a regression, decide nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answers = Mapping[str, NDArray[Any]]
HALF = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputParity:
    """One output of both models over all rows.

    Attributes:
        name: of the output.
        type: TensorFlow's name of the SavedModel's values.
        rows: how many were compared.
        max_difference: largest absolute difference of floats; None where it has none.
        mean_difference: their mean.
        worst_row: where the largest is; None without floats.
        agreement: share of rows with equal decisions; None where it decides nothing.
        first_disagreement: the first row with another decision; None without one.
    """

    name: str
    type: str
    rows: int
    max_difference: float | None
    mean_difference: float | None
    worst_row: int | None
    agreement: float | None
    first_disagreement: int | None


def differences(saved: NDArray[Any], lite: NDArray[Any]) -> NDArray[np.float64]:
    """Return absolute differences: 0 of equal values, also NaN; infinite where one alone is."""
    exact, other = saved.astype(np.float64), lite.astype(np.float64)
    equal = (exact == other) | (np.isnan(exact) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        apart = np.abs(exact - other)
    return np.where(equal, 0.0, np.where(np.isfinite(apart), apart, np.inf))


def is_float(values: NDArray[Any]) -> bool:
    """Tell whether values are floats; V is numpy's kind of bfloat16."""
    return values.dtype.kind in "fV"


def same_decisions(saved: NDArray[Any], lite: NDArray[Any]) -> NDArray[np.bool_]:
    """Return for each row whether both decide alike, shape (rows,)."""
    if is_float(saved):
        several = saved.ndim > 1 and saved.shape[-1] > 1
        saved, lite = (
            values.argmax(axis=-1) if several else values > HALF for values in (saved, lite)
        )
    return np.asarray((saved == lite).reshape(len(saved), -1).all(axis=1))


@dataclass(kw_only=True, slots=True)
class _Sums:
    """What is known of one output after some rows."""

    type: str
    floats: bool
    always_decides: bool
    rows: int = 0
    values: int = 0
    total: float = 0.0
    largest: float = -1.0
    worst_row: int | None = None
    agreeing: int = 0
    first_disagreement: int | None = None
    are_probabilities: bool = True

    def add(self, rows: NDArray[np.int64], saved: NDArray[Any], lite: NDArray[Any]) -> None:
        same = same_decisions(saved, lite)
        self.rows += len(rows)
        self.agreeing += int(same.sum())
        others = rows[~same].tolist()
        self.first_disagreement = min(
            [*others, *filter(lambda row: row is not None, [self.first_disagreement])],
            default=None,
        )
        if self.floats:
            self._add_differences(rows, differences(saved, lite))
            self.are_probabilities &= bool(((saved >= 0) & (saved <= 1)).all())

    def _add_differences(self, rows: NDArray[np.int64], apart: NDArray[np.float64]) -> None:
        self.values += apart.size
        self.total += float(apart.sum())
        of_rows = apart.reshape(len(rows), -1).max(axis=1, initial=0.0)
        worst = int(of_rows.argmax())
        if of_rows[worst] > self.largest:
            self.largest, self.worst_row = float(of_rows[worst]), int(rows[worst])

    def result(self, name: str) -> OutputParity:
        decides = self.always_decides or self.are_probabilities
        return OutputParity(
            name=name,
            type=self.type,
            rows=self.rows,
            max_difference=self.largest if self.floats else None,
            mean_difference=self.total / max(1, self.values) if self.floats else None,
            worst_row=self.worst_row,
            agreement=self.agreeing / self.rows if decides else None,
            first_disagreement=self.first_disagreement if decides else None,
        )


def _sums(saved: NDArray[Any]) -> _Sums:
    floats = is_float(saved)
    several = saved.ndim > 1 and saved.shape[-1] > 1
    name = "string" if saved.dtype.kind in "SUO" else saved.dtype.name
    return _Sums(type=name, floats=floats, always_decides=several or not floats)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both models' answers, added batch by batch; nothing of them is kept but sums."""

    _outputs: dict[str, _Sums] = field(default_factory=dict)

    def add(self, rows: NDArray[np.int64], saved: Answers, lite: Answers) -> None:
        """Take both models' answers to some rows.

        Args:
            rows: their numbers in the split, at least one.
            saved: output name -> the SavedModel's values, shape (rows, ...).
            lite: the same of the LiteRT file, with the same names and shapes.

        Raises:
            ValueError: a shape or a name is another.
        """
        for name, values in saved.items():
            other = lite.get(name)
            if other is None or other.shape != values.shape:
                shape = "no" if other is None else f"shape {other.shape}"
                raise ValueError(f"output {name!r}: shape {values.shape} became {shape}")
            self._outputs.setdefault(name, _sums(values)).add(rows, values, other)

    def result(self) -> tuple[OutputParity, ...]:
        """Return what was found of each output, in the order of their names."""
        return tuple(sums.result(name) for name, sums in sorted(self._outputs.items()))
