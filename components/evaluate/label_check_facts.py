"""What of labels, predictions and weights shows any fault in them, batch by batch.

Of each check the first wrong row is enough, and of a range its two ends. So a few rows of each
batch stand for all of them, and the same checks that look at rows look at these.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Sums of float32 probabilities pass 1 by a few of its last digits; TFMA's own margin is 1e-7.
MARGIN = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Rows without a value.

    Attributes:
        rows: how many rows there are.
        count: how many have none.
        first: number of the first one, -1 for none.
    """

    rows: int
    count: int
    first: int

    def then(self, other: "Missing") -> "Missing":
        """Return the same of these rows and those that follow."""
        first = self.first if self.count or not other.count else self.rows + other.first
        return Missing(rows=self.rows + other.rows, count=self.count + other.count, first=first)


def missing(rows: NDArray[Any]) -> Missing:
    """Return the facts of a batch.

    Args:
        rows: which rows have no value, shape (N,).
    """
    count = int(rows.sum())
    return Missing(rows=len(rows), count=count, first=int(rows.argmax()) if count else -1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """Weights of rows.

    Attributes:
        missing: rows without one.
        scalar: whether each row has one number.
        wrong: row and value of the first that is negative or infinite; None for none.
        some: whether any is not 0.
    """

    missing: Missing
    scalar: bool
    wrong: tuple[int, float] | None
    some: bool

    def then(self, other: "Weights") -> "Weights":
        """Return the same of these rows and those that follow."""
        later = other.wrong and (self.missing.rows + other.wrong[0], other.wrong[1])
        return Weights(
            missing=self.missing.then(other.missing),
            scalar=self.scalar and other.scalar,
            wrong=self.wrong or later,
            some=self.some or other.some,
        )


def weights(absent: NDArray[Any], values: NDArray[Any] | None) -> Weights:
    """Return the facts of a batch.

    Args:
        absent: which rows have no value, shape (N,).
        values: one number a row, shape (N,), or None.
    """
    numbers = np.zeros(0) if values is None else values
    wrong = (~np.isfinite(numbers) & ~np.isnan(numbers)) | (numbers < 0)
    row = int(wrong.argmax()) if wrong.any() else -1
    return Weights(
        missing=missing(absent),
        scalar=values is not None,
        wrong=(row, float(numbers[row])) if row >= 0 else None,
        some=bool(numbers.any()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Labels and predictions that metrics compare, in n rows that stand for all `count` rows.

    Attributes:
        where: split and label column, as messages begin.
        labels: shape (n, labels a row); None where rows differ in their number.
        predictions: shape (n, ...); None where the output is not known.
        classes: names of the classes in the order of the predictions; None without any.
        rows: numbers of the rows, shape (n,), ascending.
        count: how many rows they stand for.
    """

    where: str
    labels: NDArray[Any] | None
    predictions: NDArray[Any] | None
    classes: NDArray[Any] | None
    rows: NDArray[Any]
    count: int

    @property
    def width(self) -> int:
        """Return the number of predictions a row; 0 where it is not known or no vector."""
        predictions = self.predictions
        return (
            0
            if predictions is None or predictions.ndim > 2
            else int(predictions.reshape(len(predictions), -1).shape[1])
        )

    def witnesses(self) -> "Pair":
        """Return the few rows that show what is wrong with any."""
        chosen: set[int] = set()
        if self.predictions is not None and self.predictions.dtype.kind in "biuf":
            chosen |= _ends(self.predictions, [_far_outside, _not_above])
        if self.labels is not None and self.labels.dtype.kind in "biuf":
            wrong = [_outside, _not_above, _zero, _no_class(self.width)]
            chosen |= _ends(self.labels, wrong)
        elif self.labels is not None:
            chosen |= self._words(self.labels)
        return self._rows_alone(sorted(chosen or {0}))

    def _words(self, labels: NDArray[Any]) -> set[int]:
        """Return the first row, and that of the first word, by the alphabet, that is no class."""
        classes = [] if self.classes is None else [text(name) for name in self.classes]
        words = {text(row): number for number, row in reversed(list(enumerate(labels)))}
        strange = sorted(words.keys() - set(classes))[:1]
        return {0, *(words[word] for word in strange)}

    def _rows_alone(self, rows: list[int]) -> "Pair":
        return replace(
            self,
            labels=None if self.labels is None else self.labels[rows],
            predictions=None if self.predictions is None else self.predictions[rows],
            rows=self.rows[rows],
        )

    def then(self, other: "Pair") -> "Pair":
        """Return the witnesses of these rows and those that follow."""
        labels = _both(self.labels, other.labels)
        predictions = _both(self.predictions, other.predictions)
        return replace(
            self,
            labels=labels,
            predictions=predictions,
            rows=np.concatenate([self.rows, self.count + other.rows]),
            count=self.count + other.count,
        ).witnesses()


def _both(first: NDArray[Any] | None, second: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return two parts as one, None where rows have different numbers of values."""
    if first is None or second is None or first.shape[1:] != second.shape[1:]:
        return None
    return np.concatenate([first, second])


def text(labels: NDArray[Any] | None) -> str:
    """Return the first of some labels as text."""
    value = "" if labels is None else np.ravel(labels)[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _outside(values: NDArray[Any]) -> NDArray[Any]:
    return (values < 0) | (values > 1)


def _far_outside(values: NDArray[Any]) -> NDArray[Any]:
    return (values < -MARGIN) | (values > 1 + MARGIN)


def _not_above(values: NDArray[Any]) -> NDArray[Any]:
    return values <= -1.0


def _zero(values: NDArray[Any]) -> NDArray[Any]:
    return values == 0


def _no_class(count: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def wrong(values: NDArray[Any]) -> NDArray[Any]:
        return (values < 0) | (values >= count) | (values != np.floor(values))

    return wrong


def _ends(
    values: NDArray[Any], checks: Sequence[Callable[[NDArray[Any]], NDArray[Any]]]
) -> set[int]:
    """Return the rows of the smallest and the largest value, and the first that each finds."""
    flat = values.reshape(len(values), -1).astype(np.float64)
    if not flat.size:
        return set()
    rows = {int(flat.min(axis=1).argmin()), int(flat.max(axis=1).argmax())}
    for check in checks:
        wrong = check(flat).any(axis=1)
        if wrong.any():
            rows.add(int(wrong.argmax()))
    return rows


def of_pair(
    where: str,
    labels: NDArray[Any] | None,
    predictions: NDArray[Any] | None,
    classes: NDArray[Any] | None,
    count: int,
) -> Pair:
    """Return the witnesses of a batch of `count` rows; see `Pair`."""
    rows = np.arange(count)
    return Pair(
        where=where,
        labels=labels,
        predictions=predictions,
        classes=classes,
        rows=rows,
        count=count,
    ).witnesses()
