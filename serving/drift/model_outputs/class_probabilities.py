"""The answers of a classifier as a matrix of probabilities."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from kanaria.components.shared.errors import DataError, shown
from kanaria.serving.drift.detector import Columns, Floats
from kanaria.serving.drift.table_columns import flat, numbers_in_order, rows_of, selected

TOLERANCE = 0.01
"""By which probabilities may miss 0, 1 and their sum, as numbers of 16 bits do."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Probabilities:
    """Probabilities of classes.

    Attributes:
        columns: the columns as they came, one value a row.
        classes: their names; of a single column also "not" its name.
        values: of shape (rows, classes); a row without an answer is NaN throughout.
    """

    columns: Columns
    classes: tuple[str, ...]
    values: Floats

    @classmethod
    def of(cls, columns: Columns, outputs: tuple[str, ...], where: str) -> Self:
        """Return the probabilities in the columns `outputs`, or in all where none are named.

        Raises:
            DataError: a column is absent, or rows hold no probabilities.
        """
        outputs_by_name = flat(selected(columns, outputs) if outputs else columns)
        rows_of(outputs_by_name, where)
        names = tuple(outputs_by_name)
        values = np.stack([numbers_in_order(outputs_by_name[name], name) for name in names], axis=1)
        if len(names) == 1:
            names, values = (names[0], f"not {names[0]}"), np.hstack([values, 1 - values])
        values = np.where(np.isnan(values).any(axis=1, keepdims=True), np.nan, values)
        _check(values, names, where)
        return cls(columns=outputs_by_name, classes=names, values=values)


def _check(values: Floats, names: tuple[str, ...], where: str) -> None:
    outside = (values < -TOLERANCE) | (values > 1 + TOLERANCE)
    wrong = outside.any(axis=1) | (np.abs(values.sum(axis=1) - 1) > TOLERANCE)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{where}: {int(wrong.sum())} rows of {shown(names)} are no probabilities that sum to "
            f"1, as row {row}: {shown(values[row].tolist())}; name the columns of the "
            "probabilities, or give what follows the softmax"
        )
