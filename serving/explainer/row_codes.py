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
        self._columns = [[row.get(name) for row in (*background, instance)] for name in names]
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


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """Return up to `most` rows, spread evenly."""
    if len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]
