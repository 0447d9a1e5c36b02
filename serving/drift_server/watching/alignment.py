"""Makes a window's columns those of a reference; what differs is told in words. Pure."""

import math
from collections.abc import Mapping

import numpy as np

from kanaria.components.shared.errors import shown
from kanaria.serving.drift.report.bars import Known
from kanaria.serving.drift_server.columns import Array
from kanaria.serving.drift_server.payloads import Columns
from kanaria.serving.drift_server.payloads import rows_of as payload_rows

MOST_TOLD = 50
"""Differences that are told one by one."""


def aligned(columns: Columns, told: Mapping[str, Known]) -> tuple[Columns, list[str]]:
    """Return the reference's columns in its types, and what differed.

    A column that is not there, and a value of another kind, are missing values.

    Args:
        columns: as they were sent.
        told: what the reference knows of its features; one of which it knows neither numbers nor
            categories stays as it was sent.
    """
    count = payload_rows(columns)
    found, differences = {}, []
    for name in told:
        if name not in columns:
            found[name] = np.full(count, math.nan)
            differences.append(f"{name}: no row has this column")
            continue
        found[name], said = _of_kind(columns[name], told[name])
        differences += [f"{name}: {what}" for what in said]
    extra = sorted(set(columns) - set(told))
    if extra:
        differences.append(f"columns that the reference does not have: {shown(extra)}")
    return found, _limited(differences)


def _of_kind(values: Array, told: Known) -> tuple[Array, list[str]]:
    if told.kinds is None:
        return (values, []) if told.values is None else _numbers(values)
    if told.kinds.dtype.kind != "U":
        found, said = _numbers(values)
    else:
        found, said = _texts(values), []
    return found, said + _unknown(found, told.kinds)


def _numbers(values: Array) -> tuple[Array, list[str]]:
    if values.ndim == 1 and values.dtype.kind in "biuf":
        return values, []
    given = values.tolist()
    found = np.array([_number(value) for value in given], dtype=float)
    wrong = [v for v, n in zip(given, found, strict=True) if math.isnan(n) and not _missing(v)]
    if not wrong:
        return found, []
    return found, [f"{len(wrong):,} of {len(given):,} values are no numbers, as {shown(wrong[0])}"]


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, bool | int | float) else math.nan
    except OverflowError:  # A whole number beyond any float.
        return math.nan


def _texts(values: Array) -> Array:
    found = np.empty(len(values), dtype=object)
    for row, value in enumerate(values.tolist()):
        if not _missing(value):
            found[row] = _text(value)
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    # Beside a missing value a whole number has become a float.
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _unknown(values: Array, kinds: Array) -> list[str]:
    there = [value for value in values.tolist() if not _missing(value)]
    seen = set(there) - set(kinds.tolist())
    if not seen:
        return []
    rows = sum(value in seen for value in there)
    some = shown(sorted(seen, key=str)[:5])
    return [f"{rows:,} rows have values that the reference does not have, as {some}"]


def _limited(differences: list[str]) -> list[str]:
    left = len(differences) - MOST_TOLD
    return differences if left <= 0 else [*differences[:MOST_TOLD], f"and {left} more differences"]
