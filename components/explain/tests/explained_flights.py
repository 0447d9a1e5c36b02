"""Flights of text, integers and floats, some missing, and a model's answers written once more."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Columns = Mapping[str, Sequence[object]]
NAMES = ("carrier", "hour", "delay")
TRAIN: Columns = {
    "carrier": ["AA", "UA", None, "DL", "AA", "UA"],
    "hour": [3, 7, 3, 1, 22, 5],
    "delay": [0.5, 0.25, -1.5, None, 3.0, float("nan")],
    "late": [1, 0, 1, 0, 1, 0],
}
EVAL: Columns = {
    "carrier": ["UA", "B6", None, "AA"],
    "hour": [9, 3, 7, 1],
    "delay": [1.0, None, float("nan"), -2.0],
    "late": [0, 0, 1, 1],
}


def answer(row: Sequence[Any]) -> float:
    """What the flights' model computes, written once more."""
    carrier, hour, delay = row
    delay = -3.0 if delay is None or math.isnan(delay) else delay
    score = (1.5 if carrier == "UA" else -0.5) * delay + hour * 0.1 * len(carrier or "")
    return 1 / (1 + math.exp(-score))


def table(columns: Columns) -> list[list[Any]]:
    """Return rows of the features."""
    return [list(row) for row in zip(*(columns[name] for name in NAMES), strict=True)]
