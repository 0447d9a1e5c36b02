"""What a model answered to each row, as a class that two models can be compared by. Pure.

task         class of a row                                  right
----------   ---------------------------------------------   -------------------------------
binary       "1" where the probability is at least a half    the class is the label's
multiclass   the place of the largest probability, or the    the class is the label's
             class itself
regression   which tenth of the stable version's values      the value is nearer to the label
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanaria.serving.drift_server.columns import Array
from kanaria.serving.drift_server.exchanges import LabelValue
from kanaria.serving.drift_server.quality import Task

LONGEST_NAME = 64
"""Characters of a class's name: classes are counted by name, and clients make them."""
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
        return tuple(Answer(name=str(int(one))) for one in predicted >= 0.5)
    if task is Task.MULTICLASS:
        found = predicted.argmax(axis=1) if predicted.ndim == 2 else predicted
        return tuple(Answer(name=name_of(one)) for one in found.tolist())
    places = np.searchsorted(np.asarray(cuts), predicted, side="right")
    pairs = zip(places.tolist(), predicted.tolist(), strict=True)
    return tuple(Answer(name=f"tenth {place + 1}", value=value) for place, value in pairs)


def cuts_of(values: Sequence[float]) -> tuple[float, ...]:
    """Return the nine values between the tenths of some, at least one."""
    return tuple(float(one) for one in np.quantile(np.asarray(values), TENTHS))


def preferred(canary: Answer, stable: Answer, label: LabelValue) -> str:
    """Return whose answer the label prefers: "canary", "stable" or "" for none."""
    if math.isnan(canary.value) or isinstance(label, str):
        name = name_of(label)
        right = {"canary": canary.name == name, "stable": stable.name == name}
    else:
        far = abs(canary.value - label) - abs(stable.value - label)
        right = {"canary": far < 0, "stable": far > 0}
    return next((which for which, is_right in right.items() if is_right), "")


def name_of(value: Any) -> str:
    """Return the name of a class: 1, 1.0 and True are the same one, as are "a" and b"a"."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(int(value) if isinstance(value, bool) else value)[:LONGEST_NAME]
