"""Rows of requests as codes for the explainers, and codes as rows. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kanaria.components.shared.explanation.coded_rows import Codes, coded

Row = Mapping[str, Any]


class CodedRequest:
    """A background and one instance; a code of a feature is the number of a row that has it."""

    def __init__(self, background: Sequence[Row], instance: Row, names: Sequence[str]) -> None:
        """Code the rows; a key that is absent, or null, is a missing value.

        Args:
            background: rows that stand for absent features.
            instance: the explained row.
            names: of the features.
        """
        self.names = tuple(names)
        self._columns = [_column(background, instance, name) for name in names]
        codes = coded([[json.dumps(value) for value in column] for column in self._columns])
        self.background: Codes = codes[:-1]
        self.instance: Codes = codes[-1]

    def rows(self, codes: Codes) -> list[dict[str, Any]]:
        """Return the rows that codes stand for, without the keys of missing values."""
        columns = list(zip(self.names, self._columns, strict=True))
        return [
            {
                name: value
                for (name, column), code in zip(columns, line, strict=True)
                if (value := column[code]) is not None
            }
            for line in codes.tolist()
        ]


def _column(background: Sequence[Row], instance: Row, name: str) -> list[Any]:
    """Return the values of a feature; a request may hold one value as 5, and as [5]."""
    values = [row.get(name) for row in background]
    like = next((value for value in values if value is not None), None)
    return [*values, in_form(instance.get(name), like)]


def in_form(value: Any, like: Any) -> Any:
    """Return a value that stands alone in as many lists as another one does.

    The rows of one request must have one form, and that of the background is the model's own.
    """
    if value is None or like is None or _single(value) is None or _single(like) is None:
        return value
    return _wrapped(_single(value), like)


def _single(value: Any) -> Any:
    """Return the value in lists of one, None where there are several or none."""
    while isinstance(value, list):
        if len(value) != 1:
            return None
        value = value[0]
    return value


def _wrapped(value: Any, like: Any) -> Any:
    return [_wrapped(value, like[0])] if isinstance(like, list) else value


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """Return up to `most` rows, spread evenly."""
    if len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]
