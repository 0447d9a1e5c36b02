"""The exchanges of a window as columns that a detector takes, whatever clients sent. Pure.

A feature is looked for among the columns of the requests, then of the responses. What does not fit
the reference counts as a missing value and is told in words; nothing of it stops the test.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kanaria.serving.drift_server.columns import Array, column
from kanaria.serving.drift_server.exchanges import Exchange
from kanaria.serving.drift_server.payloads import Columns, PayloadError, read_columns
from kanaria.serving.drift_server.payloads import rows_of as payload_rows

MOST_VALUES = 20_000_000
"""Values of a window that are held; exchanges beyond are counted but not looked at."""
IMAGE_AXES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A window as it was sent.

    Attributes:
        begin: time of its earliest exchange, in seconds since 1970.
        end: time of its latest.
        rows: instances.
        inputs: columns of the requests; None or NaN where an exchange lacks one.
        outputs: of the responses.
        both: of the exchanges with both halves of equally many rows.
        differences: what could not be read, in words.
    """

    begin: float
    end: float
    rows: int
    inputs: Columns
    outputs: Columns
    both: Columns
    differences: tuple[str, ...] = ()


@dataclass(slots=True)
class _Parts:
    """Columns of some exchanges, one after the other."""

    pieces: list[Columns] = field(default_factory=list)

    def joined(self) -> Columns:
        names = dict.fromkeys(name for piece in self.pieces for name in piece)
        counts = [payload_rows(piece) for piece in self.pieces]
        return {name: _joined([piece.get(name) for piece in self.pieces], counts) for name in names}


def read(exchanges: Iterable[Exchange]) -> Rows:
    """Return the rows of a window, whose exchanges are at least one."""
    inputs, outputs, both = _Parts(), _Parts(), _Parts()
    times: list[float] = []
    faults: Counter[str] = Counter()
    rows = held = 0
    for exchange in exchanges:
        times.append(exchange.time)
        rows += exchange.rows
        if held > MOST_VALUES:
            faults[f"rows are beyond the {MOST_VALUES:,} values that are looked at"] += (
                exchange.rows
            )
            continue
        asked, answered = _half(exchange.request, faults), _half(exchange.response, faults)
        for parts, half in ((inputs, asked), (outputs, answered)):
            if half:
                parts.pieces.append(half)
                held += sum(values.size for values in half.values())
        if asked and answered and payload_rows(asked) == payload_rows(answered):
            both.pieces.append({**answered, **asked})
    return Rows(
        begin=min(times),
        end=max(times),
        rows=rows,
        inputs=inputs.joined(),
        outputs=outputs.joined(),
        both=both.joined(),
        differences=tuple(f"{count:,} {what}" for what, count in faults.items()),
    )


def _half(body: bytes | None, faults: Counter[str]) -> Columns:
    if body is None:
        return {}
    try:
        return read_columns(body)
    except PayloadError as error:
        faults[f"bodies cannot be read, the last one: {error}"] += 1
        return {}


def flattened(columns: Columns) -> Columns:
    """Return columns with one value a row wherever they hold that many or a row of numbers.

    A matrix of one input has the names "0", "1", ... that `from_matrix` gives; one of several
    inputs or outputs has its own name before them. Images and what is ragged stay as they are.
    """
    found: Columns = {}
    for name, values in columns.items():
        if values.ndim < 2 or values.dtype.kind == "O" or values.ndim >= IMAGE_AXES:
            found[name] = values
        elif values.shape[1] == 1:
            found[name] = values[:, 0]
        else:
            prefix = f"{name}." if len(columns) > 1 or name != "instances" else ""
            found |= {f"{prefix}{place}": values[:, place] for place in range(values.shape[1])}
    return found


def _joined(parts: Sequence[Array | None], counts: Sequence[int]) -> Array:
    """Return the parts one after the other; a part that is not there is missing values."""
    there = [part for part in parts if part is not None]
    numeric = all(part.dtype.kind in "biuf" for part in there)
    if numeric and len({part.shape[1:] for part in there}) == 1:
        shape = there[0].shape[1:]
        filled = [
            np.full((count, *shape), math.nan) if part is None else part
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
    wanted, inputs, outputs = set(features), flattened(rows.inputs), flattened(rows.outputs)
    asked = wanted & set(inputs)
    answered = (wanted & set(outputs)) - asked
    if asked and answered:
        return flattened(rows.both)
    return outputs if answered else inputs
