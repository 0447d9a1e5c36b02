"""The exchanges of a window as columns that a detector takes, whatever clients sent. Pure.

A feature is looked for among the columns of the requests, then of the responses. What does not fit
the reference counts as a missing value and is told in words; nothing of it stops the test.

The columns of the only input of a request have the names "0", "1", ... that `from_matrix` gives,
whatever the protocol calls the input: that of one column has the input's name, and is "0" too.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from kanaria.components.shared.data.decimals import plain
from kanaria.components.shared.errors import DataError
from kanaria.serving.drift.table_columns import missing
from kanaria.serving.drift_watch.image_columns import reduced
from kanaria.serving.payload_log.exchanges import Exchange
from kanaria.serving.protocol.json_columns import Array, column, concatenated, squeezed
from kanaria.serving.protocol.payload_columns import Columns, read_columns
from kanaria.serving.protocol.payload_columns import rows_of as payload_rows

MOST_VALUES = 5_000_000
"""Values of a window that are held; exchanges beyond are counted but not looked at."""
CHARACTERS = 64
"""Of a text, that take about as much memory as a value."""
BEYOND = f"rows beyond the {MOST_VALUES:,} values that are looked at"
SPARSE = 4
"""Values and gaps that are held, for each value that may be."""
MOST_TOLD = 20
MATRIX, ONLY = "", "0"
"""Name of the only input of a request, if a matrix, and of the only column of one."""
UNREADABLE = (ArithmeticError, DataError, LookupError, RuntimeError, TypeError, ValueError)
"""What a body that nobody foresaw may raise; the window's other bodies are read all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A window as it was sent.

    Attributes:
        begin: time of its earliest exchange, in seconds since 1970.
        end: time of its latest.
        rows: instances.
        inputs: columns of the requests, images as numbers; None or NaN where an exchange lacks one.
        outputs: of the responses.
        alone: those of the inputs that were the only column of their requests.
        paired_inputs: as `inputs`, of the exchanges with both halves of equally many rows.
        paired_outputs: as `outputs`, of these exchanges.
        differences: what could not be read, in words.
    """

    begin: float
    end: float
    rows: int
    inputs: Columns
    outputs: Columns
    paired_inputs: Columns
    paired_outputs: Columns
    alone: frozenset[str] = frozenset()
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


def read(exchanges: Iterable[Exchange], *, pixels: bool = False) -> Rows | None:
    """Return the rows of a window, None where it has no exchange.

    Args:
        exchanges: in any order.
        pixels: images stay as their pixels, as a reference that was made of a matrix has them.
    """
    inputs, outputs, whole = _Parts(), _Parts(), (_Parts(), _Parts())
    times: list[float] = []
    faults: Counter[str] = Counter()
    alone: set[str] = set()
    rows = held = 0
    for exchange in exchanges:
        times.append(exchange.time)
        rows += exchange.rows
        if held > MOST_VALUES:
            faults[BEYOND] += exchange.rows
            continue
        request_columns, said = _request_columns(exchange.request, pixels, faults)
        faults.update(dict.fromkeys(said, exchange.rows))
        response_columns = _half(exchange.response, faults)
        alone |= set(request_columns) if len(request_columns) == 1 else set()
        for parts, half in ((inputs, request_columns), (outputs, response_columns)):
            if half:
                parts.pieces.append(half)
                held += sum(map(_weight, half.values()))
        if (
            request_columns
            and response_columns
            and payload_rows(request_columns) == payload_rows(response_columns)
        ):
            whole[0].pieces.append(request_columns)
            whole[1].pieces.append(response_columns)
    if not times:
        return None
    return Rows(
        begin=min(times),
        end=max(times),
        rows=rows,
        inputs=inputs.joined(),
        outputs=outputs.joined(),
        alone=frozenset(alone),
        paired_inputs=whole[0].joined(),
        paired_outputs=whole[1].joined(),
        differences=tuple(f"{what} ({n:,})" for what, n in faults.most_common(MOST_TOLD)),
    )


def _weight(values: Array) -> int:
    """Return the number of values, where a long text counts for several."""
    if values.dtype.kind != "O":
        return values.size
    texts = (value for value in values.ravel() if isinstance(value, str | bytes))
    return values.size + sum(map(len, texts)) // CHARACTERS


def _request_columns(
    body: bytes | None, pixels: bool, faults: Counter[str]
) -> tuple[Columns, list[str]]:
    columns = _half(body, faults)
    said: list[str] = []
    if pixels:
        columns = {name: _of_pixels(values) for name, values in columns.items()}
    else:
        try:
            columns, said = reduced(columns)
        except UNREADABLE as error:
            said = [f"inputs are not looked at as images: {error}"]
    if len(columns) == 1:
        columns = {MATRIX if values.ndim == 2 else name: values for name, values in columns.items()}
    return columns, said


def _of_pixels(values: Array) -> Array:
    return values.reshape(len(values), -1) if values.ndim > 2 and len(values) else values


def _half(body: bytes | None, faults: Counter[str]) -> Columns:
    if body is None:
        return {}
    try:
        return read_columns(body)
    except UNREADABLE as error:
        faults[f"body that cannot be read: {error}"] += 1
        return {}


def of_requests(columns: Columns) -> Columns:
    """Return the columns of requests with one value a row.

    A matrix of the only input has the names "0", "1", ... that `from_matrix` gives; of several
    inputs, each has its own name before them. What has more axes or is ragged stays as it is.
    """
    return _flattened(columns, named=len(columns) > 1)


def of_responses(columns: Columns) -> Columns:
    """Return the columns of responses with one value a row, as "predictions.0"."""
    return _flattened(columns, named=True)


def _flattened(columns: Columns, *, named: bool) -> Columns:
    flattened: Columns = {}
    for name, column_values in columns.items():
        values = squeezed(column_values)
        if values.ndim != 2:
            flattened[name] = values
            continue
        prefix = f"{name}." if named and name != MATRIX else ""
        of_objects = values.dtype.kind == "O"
        for place in range(values.shape[1]):
            one = values[:, place]
            flattened[f"{prefix}{place}"] = column(one.tolist()) if of_objects else one
    return flattened


def _joined(parts: Sequence[Array | None], counts: Sequence[int]) -> Array:
    """Return the parts one after the other; a part that is not there is missing values."""
    named = [None if part is None or _is_empty(part) else _named(part) for part in parts]
    there = [part for part in named if part is not None]
    numeric = all(part.dtype.kind in "biuf" for part in there)
    if numeric and len({part.shape[1:] for part in there}) <= 1:
        shape = there[0].shape[1:] if there else ()
        filled = [
            np.full((count, *shape), math.nan) if part is None else part
            for part, count in zip(named, counts, strict=True)
        ]
        whole = concatenated(filled)
        if whole is not None:
            return whole
    values: list[Any] = []
    for part, count in zip(named, counts, strict=True):
        values += [None] * count if part is None else part.tolist()
    return column(values)


def _is_empty(part: Array) -> bool:
    """Tell whether a part holds nothing but missing values, whose shape tells nothing."""
    return part.dtype.kind == "f" and bool(np.isnan(part).all())


def _named(part: Array) -> Array:
    """Return floats as the decimals that name them; other types are left alone."""
    return plain(part) if part.dtype in (np.float16, np.float32) else part


def chosen(rows: Rows, features: Iterable[str]) -> Columns:
    """Return the columns to test: of the requests, of the responses, or of both where needed.

    Args:
        rows: of the window.
        features: of the reference.
    """
    wanted = set(features)
    inputs = _only(of_requests(rows.inputs), rows, wanted)
    outputs = of_responses(rows.outputs)
    of_inputs = wanted & set(inputs)
    of_outputs = (wanted & set(outputs)) - of_inputs
    if of_inputs and of_outputs:
        return of_responses(rows.paired_outputs) | _only(
            of_requests(rows.paired_inputs), rows, wanted
        )
    return outputs if of_outputs else inputs


def _only(inputs: Columns, rows: Rows, wanted: set[str]) -> Columns:
    """Return the inputs, with what was a request's only column as "0" where that is wanted."""
    alone = [name for name in inputs if name in rows.alone and name not in wanted]
    if ONLY not in wanted or ONLY in inputs or not alone:
        return inputs
    values = [inputs[name] for name in alone]
    rest = {name: each for name, each in inputs.items() if name not in alone}
    return {ONLY: values[0] if len(values) == 1 else _coalesced(values)} | rest


def _coalesced(columns: Sequence[Array]) -> Array:
    """Return of each row the one value that is there; no two requests share a row."""
    values_there: list[Any] = [None] * len(columns[0])
    for values in columns:
        gone = missing(values)
        for row in np.flatnonzero(~gone):
            values_there[row] = values[row].item() if values.dtype.kind != "O" else values[row]
    return column(values_there)
