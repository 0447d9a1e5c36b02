"""The metrics that a model was judged by, as an outcome and a release keep them. Pure.

    {"split": text, "rows": count, "against": URI of the release that was live, or "",
     "metrics": {name: {"value": number, "low": number | null, "high": number | null}}}

Each release names the one before it, so that the metrics of a service's releases are a chain.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kanaria.components.shared.errors import DataError, shown

MOST_METRICS = 50
"""That are kept; those with thresholds come first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A metric over all rows, with the bounds of its 95 % interval where one was asked for."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelEvaluation:
    """What a model's evaluation came to.

    Attributes:
        split: name of the split it was evaluated on.
        rows: how many it has.
        against: URI of the release that was live then; "" for a first one.
        metrics: name -> the metric over all rows; finite numbers only.
    """

    split: str
    rows: int
    against: str = ""
    metrics: Mapping[str, Measured] = field(default_factory=dict)


def parse(document: Any, where: str) -> ModelEvaluation:
    """Return the evaluation that a document holds.

    Args:
        document: as read from JSON.
        where: what holds it, for messages.

    Raises:
        DataError: it is of another form.
    """
    try:
        metrics = {str(name): _measured(raw) for name, raw in document["metrics"].items()}
        texts = [document["split"], document["against"]]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(shown(texts))
        split, against = texts
        rows = int(document["rows"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{where}: no readable evaluation ({shown(error)}); restore it") from error
    return ModelEvaluation(split=split, rows=rows, against=against, metrics=metrics)


def _measured(raw: Mapping[str, Any]) -> Measured:
    value, low, high = (_number(raw[name]) for name in ("value", "low", "high"))
    if value is None:
        raise ValueError("a metric without a value")
    return Measured(value=value, low=low, high=high)


def _number(raw: Any) -> float | None:
    number = None if raw is None else float(raw)
    if number is not None and not math.isfinite(number):
        raise ValueError(f"{raw} is no finite number")
    return number
