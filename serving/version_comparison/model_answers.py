"""What a model answered to each row, as a class that two models can be compared by. Pure.

task         class of a row                                  right
----------   ---------------------------------------------   -------------------------------
binary       "1" where the probability is at least a half    the class is the label's
multiclass   the place of the largest probability, or the    the class is the label's
             class itself
regression   which tenth of the stable version's values      the value is nearer to the label
any          "unreadable" where it is none of these          never
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.serving.model_quality.quality_estimates import Task
from kanaria.serving.payload_log.exchanges import LabelValue
from kanaria.serving.protocol.json_columns import Array

LONGEST_NAME = 64
"""Characters of a class's name: classes are counted by name, and clients make them."""
UNREADABLE = "unreadable"
"""Class of what is no answer to the task, such as NaN: a model that gives it differs from one that
does not."""
TENTHS = np.arange(0.1, 1.0, 0.1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a model answered to one row: its class; of a regression the value too, else NaN."""

    name: str
    value: float = math.nan


def answers(predicted: Array, task: Task, cuts: Sequence[float] = ()) -> tuple[Answer, ...]:
    """Return the answer to each row.

    Args:
        predicted: shape (rows,) or (rows, classes), see `judging.predictions`.
        task: how to read it.
        cuts: ends of the classes of a regression, see `cuts_of`.
    """
    if task is Task.BINARY:
        named = [Answer(name=str(int(one))) for one in predicted >= 0.5]
    elif task is Task.MULTICLASS:
        classes = predicted.argmax(axis=1) if predicted.ndim == 2 else predicted
        named = [Answer(name=name_of(one)) for one in classes.tolist()]
    else:
        places = np.searchsorted(np.asarray(cuts), predicted, side="right")
        pairs = zip(places.tolist(), predicted.tolist(), strict=True)
        named = [Answer(name=f"tenth {place + 1}", value=value) for place, value in pairs]
    readable = zip(named, _are_answers(predicted).tolist(), strict=True)
    return tuple(one if is_answer else Answer(name=UNREADABLE) for one, is_answer in readable)


def _are_answers(predicted: Array) -> Array:
    """Return which rows hold finite numbers, or classes that are no numbers."""
    if predicted.dtype.kind != "f":
        return np.array([one is not None for one in predicted])
    finite = np.isfinite(predicted)
    return finite if finite.ndim == 1 else finite.all(axis=1)


def unreadable(rows: int) -> tuple[Answer, ...]:
    """Return the answers of a response that cannot be read."""
    return (Answer(name=UNREADABLE),) * rows


def cuts_of(values: Sequence[float]) -> tuple[float, ...]:
    """Return the nine values between the tenths of some, at least one."""
    return tuple(float(one) for one in np.quantile(np.asarray(values), TENTHS))


def preferred(canary: Answer, stable: Answer, label: LabelValue) -> str:
    """Return whose answer the label prefers: "canary", "stable" or "" for none."""
    if UNREADABLE in (canary.name, stable.name):
        return _only_readable(canary, stable, label)
    if math.isnan(canary.value) or isinstance(label, str):
        name = name_of(label)
        right = {"canary": canary.name == name, "stable": stable.name == name}
    else:
        far = abs(canary.value - label) - abs(stable.value - label)
        right = {"canary": far < 0, "stable": far > 0}
    return next((which for which, is_right in right.items() if is_right), "")


def _only_readable(canary: Answer, stable: Answer, label: LabelValue) -> str:
    """Return the side that has answered alone, if it is right; a number is nearer than none."""
    for which, one in (("canary", canary), ("stable", stable)):
        is_nearer = not math.isnan(one.value) and not isinstance(label, str)
        if one.name != UNREADABLE and (is_nearer or one.name == name_of(label)):
            return which
    return ""


def name_of(value: Any) -> str:
    """Return the name of a class: 1, 1.0 and True are the same one, as are "a" and b"a"."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(int(value) if isinstance(value, bool) else value)[:LONGEST_NAME]
