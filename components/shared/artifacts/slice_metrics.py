"""The metrics of every slice, as evaluate_model keeps them beside TFMA's files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanaria.components.shared.artifacts.document_format import DocumentFormat, unchanged
from kanaria.components.shared.errors import DataError, shown

FILE = "findings.json"
FORMAT = DocumentFormat((unchanged, unchanged))
"""Of the file; what is read here was the same in all formats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceMetric:
    """One metric on one slice.

    Attributes:
        slice: for instance "carrier=AA"; "" for all rows.
        metric: its name.
        value: None where it was not computed; may be NaN or infinite.
        low: lower bound of its 95 % interval, None where none was asked for.
        high: upper bound.
    """

    slice: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceMetrics:
    """What an evaluation came to: `rows` of `split`, and every metric of every slice."""

    split: str
    rows: int
    metrics: tuple[SliceMetric, ...]


def read(folder: str | Path) -> SliceMetrics:
    """Return the metrics in an evaluation artifact.

    Raises:
        DataError: there are none, or they do not parse.
    """
    path = Path(folder) / FILE
    try:
        raw = FORMAT.current(json.loads(path.read_text(encoding="utf-8")), str(path))
        return SliceMetrics(
            split=str(raw["split"]),
            rows=int(raw["row_count"]),
            metrics=tuple(_metric(each) for each in raw["values"]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path}: no readable evaluation ({shown(error)}); give what evaluate_model wrote"
        ) from error


def _metric(raw: Mapping[str, Any]) -> SliceMetric:
    low, high = raw.get("candidate_interval") or (None, None)
    value = raw["candidate"]
    return SliceMetric(
        slice=str(raw["slice"]),
        metric=str(raw["metric"]),
        value=None if value is None else float(value),
        low=None if low is None else float(low),
        high=None if high is None else float(high),
    )
