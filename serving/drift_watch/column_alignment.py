"""Makes a window's columns those of a reference; what differs is told in words. Pure."""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from kanaria.components.shared.data.decimals import matched, plain
from kanaria.components.shared.errors import shown
from kanaria.serving.drift.category_texts import text_of
from kanaria.serving.drift.report.histogram_bars import Distribution
from kanaria.serving.drift.table_columns import as_float, missing
from kanaria.serving.protocol.json_columns import Array
from kanaria.serving.protocol.payload_columns import Columns
from kanaria.serving.protocol.payload_columns import rows_of as payload_rows

MOST_TOLD = 50
"""Differences that are told one by one."""
FLAGS = {"1": ("True", "true", "TRUE"), "0": ("False", "false", "FALSE")}
"""How flags are told as texts, by the text that a flag has."""
OF_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?")
"""How a number is told as text; with a zero before it, it is a code of its own."""


def aligned(columns: Columns, reference: Mapping[str, Distribution]) -> tuple[Columns, list[str]]:
    """Return the reference's columns in its types, and what differed.

    A column that is not there, and a value of another kind, are missing values. A number is the
    reference's own where both are one float32; a category is its text.

    Args:
        columns: as they were sent.
        reference: what it knows of its features; one of which it knows neither numbers nor
            categories stays as it was sent.
    """
    count = payload_rows(columns)
    columns_of_reference, differences = {}, []
    for name in reference:
        if name not in columns:
            columns_of_reference[name] = np.full(count, math.nan)
            differences.append(f"{name}: no row has this column")
            continue
        columns_of_reference[name], said = _of_kind(columns[name], reference[name])
        differences += [f"{name}: {what}" for what in said]
    extra = sorted(set(columns) - set(reference))
    if extra:
        differences.append(f"columns that the reference does not have: {shown(extra)}")
    return columns_of_reference, _limited(differences)


def is_read(sent: Columns, read: Columns) -> bool:
    """Tell whether any of the reference's columns was sent in its kind, or sent as missing values.

    Args:
        sent: columns as they were sent.
        read: what `aligned` made of them.
    """
    return any(
        not missing(read[name]).all() or missing(sent[name]).all()
        for name in read.keys() & sent.keys()
    )


def _of_kind(values: Array, feature: Distribution) -> tuple[Array, list[str]]:
    if feature.kinds is not None:
        texts = _texts(values, set(feature.kinds.tolist()))
        return texts, _unknown(texts, feature.kinds)
    if feature.values is None:
        return values, []
    numbers, said = _numbers(values)
    return matched(numbers, feature.values), said


def _numbers(values: Array) -> tuple[Array, list[str]]:
    if values.ndim == 1 and values.dtype.kind in "biuf":
        return plain(values), []
    listed = values.tolist()
    numbers = plain(np.array([as_float(value) for value in listed], dtype=float))
    wrong = [v for v, n in zip(listed, numbers, strict=True) if math.isnan(n) and not _missing(v)]
    if not wrong:
        return numbers, []
    return numbers, [
        f"{len(wrong):,} of {len(listed):,} values are no numbers, as {shown(wrong[0])}"
    ]


def _texts(values: Array, kinds: set[str]) -> Array:
    spelled = np.empty(len(values), dtype=object)
    texts: dict[tuple[type, object], str] = {}
    for row, value in enumerate(values.tolist()):
        if _missing(value):
            continue
        key = (type(value), value if isinstance(value, str | bytes | int | float) else row)
        if key not in texts:
            texts[key] = _text(value, kinds)
        spelled[row] = texts[key]
    return spelled


def _text(value: object, kinds: set[str]) -> str:
    """Return the text of a category; one that the reference has in another spelling as that one."""
    text = text_of(value)
    if text in kinds:
        return text
    return next((other for other in _spellings(value, text) if other in kinds), text)


def _spellings(value: object, text: str) -> Iterator[str]:
    """Yield how else a number or a flag may be told, as references that were made of texts do."""
    if isinstance(value, str):
        yield from (number for number, flags in FLAGS.items() if value in flags)
        if OF_NUMBER.fullmatch(value):
            yield text_of(float(value))
    elif isinstance(value, bool | int | float):
        yield str(value)
        yield str(as_float(value))
        yield from FLAGS.get(text, ())


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _unknown(values: Array, kinds: Array) -> list[str]:
    there = [value for value in values.tolist() if value is not None]
    new_kinds = set(there) - set(kinds.tolist())
    if not new_kinds:
        return []
    rows = sum(value in new_kinds for value in there)
    some = shown(sorted(new_kinds)[:5])
    return [f"{rows:,} rows have values that the reference does not have, as {some}"]


def _limited(differences: list[str]) -> list[str]:
    left = len(differences) - MOST_TOLD
    return differences if left <= 0 else [*differences[:MOST_TOLD], f"and {left} more differences"]
