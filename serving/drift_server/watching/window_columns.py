"""The exchanges of a window as columns that a detector takes, whatever clients sent. Pure.

A feature is looked for among the columns of the requests, then of the responses. What does not fit
the reference counts as a missing value and is told in words; nothing of it stops the test.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from kanaria.serving.drift.decimals import widened
from kanaria.serving.drift_server.columns import Array, column
from kanaria.serving.drift_server.exchanges import Exchange
from kanaria.serving.drift_server.payloads import Columns, PayloadError, read_columns
from kanaria.serving.drift_server.payloads import rows_of as payload_rows
from kanaria.serving.drift_server.watching.image_columns import reduced

MOST_VALUES = 5_000_000
"""Values of a window that are held; exchanges beyond are counted but not looked at."""
BEYOND = f"rows beyond the {MOST_VALUES:,} values that are looked at"
SPARSE = 4
"""Values and gaps that are held, for each value that may be."""
MOST_TOLD = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A window as it was sent.

    Attributes:
        begin: time of its earliest exchange, in seconds since 1970.
        end: time of its latest.
        rows: instances.
        inputs: columns of the requests, images as numbers; None or NaN where an exchange lacks one.
        outputs: of the responses.
        asked: as `inputs`, of the exchanges with both halves of equally many rows.
        answered: as `outputs`, of these exchanges.
        differences: what could not be read, in words.
    """

    begin: float
    end: float
    rows: int
    inputs: Columns
    outputs: Columns
    asked: Columns
    answered: Columns
    differences: tuple[str, ...] = ()


@dataclass(slots=True)
class _Parts:
    """Columns of some exchanges, one after the other."""

    pieces: list[Columns] = field(default_factory=list)

    def joined(self) -> Columns:
        """Return the columns; of sparse ones those that come first, as gaps take memory too."""
        every = dict.fromkeys(name for piece in self.pieces for name in piece)
        names = islice(every, SPARSE * MOST_VALUES // max(len(self.pieces), 1))
        counts = [payload_rows(piece) for piece in self.pieces]
        return {name: _joined([piece.get(name) for piece in self.pieces], counts) for name in names}


def read(exchanges: Iterable[Exchange]) -> Rows:
    """Return the rows of a window, whose exchanges are at least one."""
    inputs, outputs, whole = _Parts(), _Parts(), (_Parts(), _Parts())
    times: list[float] = []
    faults: Counter[str] = Counter()
    rows = held = 0
    for exchange in exchanges:
        times.append(exchange.time)
        rows += exchange.rows
        if held > MOST_VALUES:
            faults[BEYOND] += exchange.rows
            continue
        asked, said = reduced(_half(exchange.request, faults))
        faults.update(dict.fromkeys(said, exchange.rows))
        answered = _half(exchange.response, faults)
        for parts, half in ((inputs, asked), (outputs, answered)):
            if half:
                parts.pieces.append(half)
                held += sum(values.size for values in half.values())
        if asked and answered and payload_rows(asked) == payload_rows(answered):
            whole[0].pieces.append(asked)
            whole[1].pieces.append(answered)
    return Rows(
        begin=min(times),
        end=max(times),
        rows=rows,
        inputs=inputs.joined(),
        outputs=outputs.joined(),
        asked=whole[0].joined(),
        answered=whole[1].joined(),
        differences=tuple(f"{what} ({n:,})" for what, n in faults.most_common(MOST_TOLD)),
    )


def _half(body: bytes | None, faults: Counter[str]) -> Columns:
    if body is None:
        return {}
    try:
        return read_columns(body)
    except PayloadError as error:
        faults[f"body that cannot be read: {error}"] += 1
        return {}


def of_requests(columns: Columns) -> Columns:
    """Return the columns of requests with one value a row, as far as they hold numbers.

    A matrix of the only input has the names "0", "1", ... that `from_matrix` gives; of several
    inputs, each has its own name before them. What has more axes or is ragged stays as it is.
    """
    return _flattened(columns, named=len(columns) > 1)


def of_responses(columns: Columns) -> Columns:
    """Return the columns of responses with one value a row, as "predictions.0"."""
    return _flattened(columns, named=True)


def _flattened(columns: Columns, *, named: bool) -> Columns:
    found: Columns = {}
    for name, values in columns.items():
        if values.ndim != 2 or values.dtype.kind == "O":
            found[name] = values
        elif values.shape[1] == 1:
            found[name] = values[:, 0]
        else:
            prefix = f"{name}." if named else ""
            found |= {f"{prefix}{place}": values[:, place] for place in range(values.shape[1])}
    return found


def _joined(parts: Sequence[Array | None], counts: Sequence[int]) -> Array:
    """Return the parts one after the other; a part that is not there is missing values."""
    there = [part for part in parts if part is not None]
    numeric = all(part.dtype.kind in "biuf" for part in there)
    if numeric and len({part.shape[1:] for part in there}) == 1:
        shape = there[0].shape[1:]
        filled = [
            np.full((count, *shape), math.nan) if part is None else widened(part)
            for part, count in zip(parts, counts, strict=True)
        ]
        return np.concatenate(filled)
    values: list[Any] = []
    for part, count in zip(parts, counts, strict=True):
        values += [None] * count if part is None else part.tolist()
    return column(values)


def chosen(rows: Rows, features: Iterable[str]) -> Columns:
    """Return the columns to test: of the requests, of the responses, or of both where needed.

    Args:
        rows: of the window.
        features: of the reference.
    """
    wanted, inputs, outputs = set(features), of_requests(rows.inputs), of_responses(rows.outputs)
    asked = wanted & set(inputs)
    answered = (wanted & set(outputs)) - asked
    if asked and answered:
        return of_responses(rows.answered) | of_requests(rows.asked)
    return outputs if answered else inputs
