"""What one column holds: missing values, means, lengths, shares of classes. Pure."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanaria.serving.drift.category_texts import text_of
from kanaria.serving.drift.report_records import Column
from kanaria.serving.drift.table_columns import as_float

Array = NDArray[Any]
MOST_CLASSES = 20


def column(name: str, values: Array) -> Column:
    """Return the statistics of a column; its first axis is the rows."""
    if values.dtype.kind in "biuf":
        return _of_numbers(name, values)
    flat = [value for value in values.tolist() if not _is_missing(value)]
    numbers = [as_float(value) for value in flat if isinstance(value, int | float)]
    texts = [len(value) for value in flat if isinstance(value, str | bytes)]
    return Column(
        name=name,
        rows=len(values),
        missing=len(values) - len(flat),
        mean=mean_of(np.array(numbers, dtype=float)),
        length=mean_of(np.array(texts, dtype=float)),
    )


def _of_numbers(name: str, values: Array) -> Column:
    numbers = values.reshape(len(values), math.prod(values.shape[1:])).astype(float)
    missing = np.isnan(numbers)
    return Column(
        name=name,
        rows=len(values),
        missing=int(missing.any(axis=1).sum()),
        mean=mean_of(numbers[~missing]),
    )


def shares(values: Array, *, binary: bool) -> Mapping[str, float]:
    """Return the shares of the classes that a model answered; none for other numbers.

    Args:
        values: whole numbers, booleans or texts are classes; of shape (rows, classes) they are
            probabilities, and the place of the largest is the class.
        binary: a number is the probability of class 1, which is answered from 0.5 on.
    """
    classes = _classes(values, binary)
    counts = Counter(classes)
    named = {
        text_of(name): count / len(classes) for name, count in counts.most_common(MOST_CLASSES)
    }
    other = 1 - sum(named.values())
    return named | ({"other": other} if len(counts) > MOST_CLASSES else {})


def _classes(values: Array, binary: bool) -> list[Any]:
    if values.dtype.kind in "biuf" and values.ndim == 2 and values.shape[1] > 1:
        whole = values[~np.isnan(values.astype(float)).any(axis=1)]
        return list(whole.argmax(axis=1).tolist())
    if values.ndim > 1 and values.size == len(values):
        values = values.reshape(-1)
    if values.dtype.kind == "f":
        present = values[~np.isnan(values)]
        return list((present >= 0.5).astype(int).tolist()) if binary else []
    return [v for v in values.tolist() if isinstance(v, str | int) and not _is_missing(v)]


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def mean_of(values: Array) -> float | None:
    """Return the mean of the finite numbers, None where there are none."""
    finite = values[np.isfinite(values)]
    # Divided first: the sum of large numbers may be beyond any float.
    return float((finite / len(finite)).sum()) if len(finite) else None
