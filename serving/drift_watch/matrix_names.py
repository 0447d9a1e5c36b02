"""Gives the columns of a window's one matrix the names that the model was trained with. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from kanaria.components.shared.errors import shown
from kanaria.serving.drift.table_columns import missing
from kanaria.serving.drift_watch.window_columns import Rows
from kanaria.serving.protocol.json_columns import Array, column
from kanaria.serving.protocol.payload_columns import Columns


def named(rows: Rows, names: Sequence[str]) -> Rows:
    """Return a window whose matrix has become columns of these names, in their order.

    What clients sent by name, as a table, is in the same columns. A matrix of another width stays
    as it was sent, and that is told.

    Args:
        rows: of the window.
        names: of the columns; () where requests name their inputs.
    """
    if not names:
        return rows
    inputs, differences = _named(rows.inputs, names, rows.alone)
    paired, _ = _named(rows.paired_inputs, names, rows.alone)
    return replace(
        rows,
        inputs=inputs,
        paired_inputs=paired,
        differences=(*differences, *rows.differences),
    )


def _named(
    columns: Columns, names: Sequence[str], alone: frozenset[str]
) -> tuple[Columns, list[str]]:
    name = next((one for one in columns if one in alone and one not in names), None)
    if name is None:
        return columns, []
    values = columns[name]
    matrix = values if values.ndim == 2 else values.reshape(-1, 1)
    if values.ndim > 2 or matrix.shape[1] != len(names):
        sent = list(values.shape[1:])
        return columns, [f"rows of shape {sent}, where the model takes {shown(list(names))}"]
    rest = {one: each for one, each in columns.items() if one != name}
    there = {one: _column(matrix[:, place]) for place, one in enumerate(names)}
    return rest | {one: _filled(there[one], rest.get(one)) for one in names}, []


def _column(values: Array) -> Array:
    return column(values.tolist()) if values.dtype.kind == "O" else values


def _filled(values: Array, by_name: Array | None) -> Array:
    """Return values, and where they are missing those that were sent by name."""
    if by_name is None:
        return values
    gone = missing(values)
    pairs = zip(values.tolist(), by_name.tolist(), gone, strict=True)
    return column([other if is_gone else value for value, other, is_gone in pairs])
